// How what a person types is taken apart.
#include "text/query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace turnstile::text {
namespace {

std::string expression(std::string_view text, bool operators = false) {
  const Query query = parse_query(text, operators);
  return query.empty() ? "nothing" : fts5_expression(query);
}

TEST(TextQuery, HasEachWordAsAString) {
  EXPECT_EQ(expression("two  words"), R"((("two" "words")))");
}

TEST(TextQuery, KeepsPunctuationInsideAWord) {
  EXPECT_EQ(expression("foo-bar don't C++ a:b ^x NEAR("),
            R"((("foo-bar" "don't" "C++" "a:b" "^x" "NEAR(")))");
}

TEST(TextQuery, HasAQuotedPieceAsOneString) {
  EXPECT_EQ(expression(R"(a "b  c" d)"), R"((("a" "b c" "d")))");
}

TEST(TextQuery, LetsAQuotationThatIsOpenGoOnToTheEnd) {
  EXPECT_EQ(expression(R"(a"b c)"), R"((("a" "b c")))");
  EXPECT_EQ(expression("\""), "nothing");
  EXPECT_EQ(expression(R"("" " ")"), "nothing");
}

TEST(TextQuery, TakesAStarAtTheEndForAPrefix) {
  EXPECT_EQ(expression(R"(wor* "two wor"* a*b ** x**)"), R"((("wor" * "two wor" * "a*b" "x" *)))");
}

TEST(TextQuery, TakesBytesThatAreNoTextForBlanks) {
  EXPECT_EQ(expression("a\xFF"
                       "b"),
            R"((("a" "b")))");
  EXPECT_EQ(expression(std::string_view("a\0b", 3)), R"((("a" "b")))");
  EXPECT_EQ(expression("\xED\xA0\x80 \xC0\x80 \xF4\x90\x80\x80 \xE2\x82"), "nothing")
      << "a surrogate, an overlong NUL, beyond Unicode, cut off";
  EXPECT_EQ(expression("ä\u3000€\u00A0😀"), R"((("ä" "€" "😀")))");
}

TEST(TextQuery, HasOperatorsAsWordsUnlessTheyAreAskedFor) {
  EXPECT_EQ(expression("a OR b NOT c"), R"((("a" "OR" "b" "NOT" "c")))");
}

TEST(TextQuery, HasAlternativesAndExclusions) {
  EXPECT_EQ(expression("a b OR c NOT d NOT \"e f\" g", true),
            R"((("a" "b")) OR (("c" "g") NOT ("d" OR "e f")))");
}

TEST(TextQuery, TakesAnOperatorThatLacksASideForAWord) {
  EXPECT_EQ(expression("OR", true), R"((("OR")))");
  EXPECT_EQ(expression("a OR", true), R"((("a" "OR")))");
  EXPECT_EQ(expression("NOT a", true), R"((("NOT" "a")))");
  EXPECT_EQ(expression("a OR OR b", true), R"((("a")) OR (("OR" "b")))");
  EXPECT_EQ(expression("a NOT NOT", true), R"((("a") NOT ("NOT")))");
}

TEST(TextQuery, TakesAQuotedOperatorForAWord) {
  EXPECT_EQ(expression(R"(a "OR" b)", true), R"((("a" "OR" "b")))");
}

}  // namespace
}  // namespace turnstile::text
