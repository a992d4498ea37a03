#include "diagnose/sql_label.h"

#include <gtest/gtest.h>

#include <string>

namespace turnstile::diagnose {
namespace {

TEST(SqlLabel, HasNoValues) {
  EXPECT_EQ(sql_label("INSERT INTO t(a, b) VALUES ('it''s', x'00ff', 12, -1.5e-3, .5, 0x1F)"),
            "INSERT INTO t(a, b) VALUES (?, ?, ?, -?, ?, ?)");
}

TEST(SqlLabel, KeepsNamesAndParameters) {
  EXPECT_EQ(
      sql_label("SELECT \"it's\", [a b], `c``d`, t1.x2, größe FROM t WHERE a = ?1 AND b = :n2 "
                "AND c = @v AND d = $e->>'$.f'"),
      "SELECT \"it's\", [a b], `c``d`, t1.x2, größe FROM t WHERE a = ?1 AND b = :n2 AND "
      "c = @v AND d = $e->>?");
}

TEST(SqlLabel, IsOneLineWithoutComments) {
  EXPECT_EQ(sql_label("  SELECT a -- it's\n\t, b /* 'x' */ FROM t  \n"), "SELECT a , b FROM t");
}

TEST(SqlLabel, DoesNotShowTheBeginningOfAValueThatWasCut) {
  EXPECT_EQ(sql_label("SELECT 'sec"), "SELECT ?");
  EXPECT_EQ(sql_label("SELECT 'it''"), "SELECT ?");
  EXPECT_EQ(sql_label("SELECT x'00"), "SELECT ?");
  EXPECT_EQ(sql_label("SELECT a /* sec"), "SELECT a ");
  EXPECT_EQ(sql_label("SELECT \"a"), "SELECT \"a");
}

TEST(SqlLabel, EndsForAnyBytes) {
  EXPECT_EQ(sql_label(""), "");
  EXPECT_EQ(sql_label("'"), "?");
  EXPECT_EQ(sql_label("''"), "?");
  EXPECT_EQ(sql_label("1e+"), "?");
  EXPECT_EQ(sql_label(std::string("a\0b", 3)), std::string("a\0b", 3));
}

}  // namespace
}  // namespace turnstile::diagnose
