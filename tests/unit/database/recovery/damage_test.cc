// Recovery of damaged files: what is not damaged is there afterwards, and the rest is named.
#include <random>

#include "support/sqlite_shell.h"
#include "support/test_seed.h"
#include "support/thrown.h"
#include "unit/database/recovery/recovery_fixture.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Damage : public RecoveryTest {
 protected:
  static void edit_schema(const std::string& path, const std::string& sql) {
    run_raw(path, "PRAGMA writable_schema=ON;" + sql);
  }
};

TEST_F(Damage, OfALeafCostsItsRowsOnly) {
  make_rows(300);
  const std::vector<std::uint32_t> leaves = pages_of("t", "leaf");
  zero_page(leaves.at(3));
  EXPECT_THROW((void)run_raw(source_, "SELECT sum(length(v)) FROM t"), std::runtime_error)
      << "SQLite must fail for the test to mean anything";
  const RecoveryReport report = recover();
  const RecoveredTable& t = table(report, "t");
  ASSERT_EQ(t.damaged_pages.size(), 1U);
  EXPECT_EQ(t.damaged_pages[0].number, leaves[3]);
  EXPECT_THAT(t.damaged_pages[0].reason, HasSubstr("begins with a zero"));
  EXPECT_GT(t.rows, 280U);
  EXPECT_LT(t.rows, 300U);
  EXPECT_EQ(ask("SELECT count(*) FROM t WHERE v = printf('value %030d', id)"),
            std::to_string(t.rows));
  EXPECT_EQ(ask("SELECT min(id) || ' ' || max(id) FROM t"), "1 300");
  EXPECT_EQ(report.rows_lost_and_found, 0U);
}

TEST_F(Damage, OfAnInnerPageCostsNoRow) {
  make_rows(3000);
  const std::vector<std::string> before = dump_of(source_);
  const std::vector<std::uint32_t> inner = pages_of("t", "internal");
  ASSERT_GT(inner.size(), 2U) << "the test needs three levels";
  for (const std::uint32_t page : {inner.front(), inner.back(), root_of("t")})
    zero_page(page);
  const RecoveryReport report = recover();
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(table(report, "t").rows, 3000U);
  EXPECT_GT(table(report, "t").rows_put_back, 0U);
  EXPECT_EQ(dump_of(destination_), before);
}

TEST_F(Damage, OfARootCostsNoRowOfATableWithoutRowid) {
  make("PRAGMA page_size=512; CREATE TABLE k(v, a, b, PRIMARY KEY(b, a)) WITHOUT ROWID;" +
       numbers(500) + "INSERT INTO k SELECT 'v' || i, i, 'key ' || i % 9 FROM n");
  const auto inner_rows = pages_of("k", "internal").size();
  zero_page(root_of("k"));
  const RecoveryReport report = recover();
  // Inner pages of such a table have rows themselves, and the root's are lost.
  EXPECT_GT(table(report, "k").rows, 450U) << inner_rows;
  EXPECT_EQ(ask("SELECT count(*) FROM k WHERE v='v' || a AND b='key ' || a % 9"),
            std::to_string(table(report, "k").rows));
}

TEST_F(Damage, OfTwoTablesPutsCutOffRowsIntoLostAndFound) {
  make("PRAGMA page_size=512; CREATE TABLE a(x, y); CREATE TABLE b(x, y);" + numbers(200) +
       "INSERT INTO a SELECT 'a', i FROM n;" + numbers(200) + "INSERT INTO b SELECT 'b', i FROM n");
  const std::uint32_t root_a = root_of("a");
  zero_page(root_a);
  zero_page(root_of("b"));
  const RecoveryReport report = recover();
  EXPECT_EQ(report.lost_and_found, "lost_and_found");
  EXPECT_EQ(report.rows_lost_and_found, 400U);
  EXPECT_EQ(report.rows(), 0U);
  EXPECT_EQ(ask("SELECT count(*) FROM lost_and_found WHERE c0='a' AND c1=row_id "
                "AND field_count=2 AND table_name IS NULL"),
            "200");
}

TEST_F(Damage, OfTheFirstPageKeepsRowsByTheirTree) {
  make("PRAGMA page_size=512; CREATE TABLE a(x, y);" + numbers(200) +
       "INSERT INTO a SELECT 'a', i FROM n; CREATE TABLE lost_and_found(b); "
       "INSERT INTO lost_and_found VALUES (7)");
  const std::string roots =
      std::to_string(root_of("a")) + "," + std::to_string(root_of("lost_and_found"));
  zero_page(1);
  const RecoveryReport report = recover();
  EXPECT_EQ(report.page_size_bytes, 512U);
  EXPECT_EQ(report.rows_lost_and_found, 201U);
  EXPECT_THAT(report.losses, ElementsAre(HasSubstr("the header of the file is damaged")));
  EXPECT_EQ(table(report, "sqlite_schema").damaged_pages.size(), 1U);
  EXPECT_EQ(ask("SELECT group_concat(r) FROM "
                "(SELECT DISTINCT root_page AS r FROM lost_and_found ORDER BY 1)"),
            roots);
}

TEST_F(Damage, OfTheFirstPageKeepsTheRestOfALargeSchema) {
  make_all_kinds(512);
  zero_page(1);
  const RecoveryReport report = recover();
  EXPECT_EQ(table(report, "note").rows, 190U);
  EXPECT_EQ(table(report, "keyed").rows, 150U);
  EXPECT_EQ(ask("SELECT count(*) FROM docs('words')"), "200");
}

TEST_F(Damage, OfTheHeaderCostsOnlyWhatIsInIt) {
  for (const int size : {512, 1024, 4096, 32768, 65536}) {
    SCOPED_TRACE(size);
    make_all_kinds(size);
    const std::vector<std::string> before = dump_of(source_);
    patch(0, std::string(100, '\xEE'));
    const RecoveryReport report = recover();
    EXPECT_EQ(report.page_size_bytes, static_cast<std::uint32_t>(size));
    EXPECT_FALSE(report.complete());
    // Without the header nobody knows which pages are free: deleted rows are found as well.
    if (!report.lost_and_found.empty()) run_raw(destination_, "DROP TABLE lost_and_found");
    EXPECT_EQ(dump_of(destination_), before);
  }
}

TEST_F(Damage, OfThePageSizeInTheHeaderIsFound) {
  make_rows(300);
  const std::vector<std::string> before = dump_of(source_);
  patch(16, std::string("\x10\x00", 2));  // 4096.
  EXPECT_EQ(recover().page_size_bytes, 512U);
  EXPECT_EQ(dump_of(destination_), before);
}

TEST_F(Damage, TakesThePageSizeThatItIsGiven) {
  make_rows(300);
  patch(0, std::string(100, '\0'));
  EXPECT_EQ(recover({.page_size_bytes = 512}).rows(), 300U);
}

TEST_F(Damage, OfTheFreeListIsNoted) {
  make_rows(300);
  run_raw(source_, "DELETE FROM t WHERE id > 150");
  std::uint32_t trunk = 0;
  for (const char c : read_file(source_).substr(32, 4))
    trunk = trunk << 8U | static_cast<unsigned char>(c);
  ASSERT_NE(trunk, 0U);
  zero_page(trunk);
  const RecoveryReport report = recover();
  EXPECT_EQ(table(report, "t").rows, 150U);
  EXPECT_TRUE(table(report, "t").complete());
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("the list of free pages is damaged")));
  EXPECT_EQ(ask("SELECT max(id) FROM t"), "150") << "deleted rows must not come back";
}

TEST_F(Damage, OfAnIndexCostsNothing) {
  make_rows(300);
  run_raw(source_, "CREATE INDEX by_v ON t(v)");
  const std::vector<std::string> before = dump_of(source_);
  zero_page(root_of("by_v"));
  const RecoveryReport report = recover();
  EXPECT_TRUE(report.complete());
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("of the index 'by_v' cannot be read")));
  EXPECT_EQ(dump_of(destination_), before);
}

TEST_F(Damage, ByCuttingOffLeavesWhatIsInFront) {
  make_rows(3000);
  std::filesystem::resize_file(source_, std::filesystem::file_size(source_) / 2 + 100);
  const RecoveryReport report = recover();
  EXPECT_GT(table(report, "t").rows, 1000U);
  EXPECT_LT(table(report, "t").rows, 2000U);
  EXPECT_THAT(table(report, "t").damaged_pages.back().reason, HasSubstr("past the end"));
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("the file is cut off")));
}

TEST_F(Damage, OfAPointerDoesNotTakeRowsOfAnotherTable) {
  make("PRAGMA page_size=512; CREATE TABLE a(x, y); CREATE TABLE b(x, y);" + numbers(200) +
       "INSERT INTO a SELECT 'a', i FROM n;" + numbers(200) +
       "INSERT INTO b(rowid, x, y) SELECT i + 1000, 'b', i FROM n");
  const std::uint32_t foreign = pages_of("b", "leaf").at(2);
  const std::uint32_t stolen_from = pages_of("a", "leaf").at(2);
  // The first cell of the root of `a` whose child is that leaf.
  std::string page = read_file(source_).substr((root_of("a") - 1) * 512, 512);
  const std::string child{'\0', '\0', static_cast<char>(stolen_from >> 8U),
                          static_cast<char>(stolen_from)};
  const std::size_t at = page.find(child, 12);
  ASSERT_NE(at, std::string::npos);
  patch((root_of("a") - 1) * 512 + at + 3, std::string(1, static_cast<char>(foreign)));
  const RecoveryReport report = recover();
  EXPECT_EQ(table(report, "b").rows, 200U);
  EXPECT_EQ(table(report, "a").rows, 200U) << "its own leaf is found again";
  EXPECT_EQ(ask("SELECT count(*) FROM a WHERE x<>'a'"), "0");
}

TEST_F(Damage, OfAChainOfPagesEndsIt) {
  make("PRAGMA page_size=512; CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(5000)), ('good')");
  const std::vector<std::uint32_t> chain = pages_of("t", "overflow");
  ASSERT_GT(chain.size(), 3U);
  const std::string itself{'\0', '\0', '\0', static_cast<char>(chain[1])};
  patch((chain[1] - 1) * 512, itself);
  const RecoveryReport report = recover();
  EXPECT_EQ(table(report, "t").rows, 1U);
  EXPECT_EQ(ask("SELECT a FROM t"), "good");
  EXPECT_THAT(table(report, "t").damaged_pages[0].reason, HasSubstr("1 of its 2 rows"));
}

TEST_F(Damage, ThatMakesTwoRowsEqualKeepsBoth) {
  make(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT); CREATE UNIQUE INDEX once ON t(name);"
      "INSERT INTO t VALUES (1, 'first name'), (2, 'other name')");
  const std::string content = read_file(source_);
  patch(content.find("other name", (root_of("t") - 1) * page_size()), "first name");
  const RecoveryReport report = recover();
  EXPECT_EQ(table(report, "t").rows, 1U);
  EXPECT_EQ(table(report, "t").rows_rejected, 1U);
  EXPECT_EQ(ask("SELECT table_name || '|' || reason || '|' || c1 FROM lost_and_found"),
            "t|UNIQUE constraint failed: t.name|first name");
  EXPECT_THAT(report.lost_objects, IsEmpty());
}

TEST_F(Damage, OfTheSchemaKeepsTheRowsOfATableThatCannotBeMade) {
  make("CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'x'); CREATE INDEX i ON t(a)");
  edit_schema(source_,
              "UPDATE sqlite_schema SET sql='CREATE TABLE t(a, b, CHECK(missing(a)))' "
              "WHERE name='t'");
  const RecoveryReport report = recover();
  ASSERT_EQ(report.lost_objects.size(), 2U);
  EXPECT_EQ(report.lost_objects[0].name, "t");
  EXPECT_THAT(report.lost_objects[0].reason, HasSubstr("missing"));
  EXPECT_EQ(report.lost_objects[1].name, "i");
  EXPECT_EQ(ask("SELECT table_name || c0 || c1 FROM lost_and_found"), "t1x");
}

TEST_F(Damage, OfTheSchemaRunsNothingButItsOwnStatements) {
  make("CREATE TABLE t(a); INSERT INTO t VALUES (1); CREATE VIEW w AS SELECT 1");
  for (const std::string sql : {"ATTACH 'other.db' AS other",
                                "CREATE VIEW w AS SELECT 1; DELETE "
                                "FROM t"}) {
    SCOPED_TRACE(sql);
    edit_schema(source_, "UPDATE sqlite_schema SET sql='" + sql.substr(0, sql.find('\'')) +
                             (sql.find('\'') == sql.npos ? "" : "''other.db'' AS other") +
                             "' WHERE name='w'");
    const RecoveryReport report = recover();
    ASSERT_EQ(report.lost_objects.size(), 1U);
    EXPECT_EQ(report.lost_objects[0].name, "w");
    EXPECT_EQ(table(report, "t").rows, 1U);
    EXPECT_EQ(ask("SELECT count(*) FROM t"), "1");
  }
}

TEST_F(Damage, OfAFullTextIndexIsRepairedFromItsContent) {
  make("CREATE VIRTUAL TABLE docs USING fts5(body);" + numbers(100) +
       "INSERT INTO docs SELECT 'word' || i FROM n; DELETE FROM docs_data WHERE id > 10");
  EXPECT_THROW((void)run_raw(source_, "SELECT count(*) FROM docs('word7')"), std::runtime_error);
  const RecoveryReport report = recover();
  EXPECT_TRUE(report.complete());
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("'docs' did not pass its check")));
  EXPECT_EQ(ask("SELECT count(*) FROM docs('word7')"), "1");
}

// The table of the index lost its key, so that the module does not find what it writes there.
TEST_F(Damage, OfAFullTextIndexThatCannotBeRepairedCostsNothingElse) {
  make("CREATE TABLE t(a); INSERT INTO t VALUES (1); CREATE VIRTUAL TABLE docs USING fts5(body);" +
       numbers(100) +
       "INSERT INTO docs SELECT 'word' || i FROM n; DELETE FROM docs_data WHERE id > 10");
  edit_schema(source_,
              "UPDATE sqlite_schema SET sql='CREATE TABLE docs_data(id INTEGER, block BLOB)' "
              "WHERE name='docs_data'");
  const RecoveryReport report = recover();
  ASSERT_EQ(report.lost_objects.size(), 1U);
  EXPECT_EQ(report.lost_objects[0].name, "docs");
  EXPECT_THAT(report.lost_objects[0].reason, HasSubstr("the tables behind it are kept"));
  EXPECT_EQ(ask("PRAGMA integrity_check"), "ok");
  EXPECT_EQ(ask("SELECT a FROM t"), "1");
  EXPECT_EQ(ask("SELECT count(*) FROM docs_content"), "100");
}

TEST_F(Damage, AtRandomNeverDoesMoreHarmThanThat) {
  std::mt19937_64 random(test_seed());
  constexpr int kRounds = 100;
  int recovered = 0;
  make_all_kinds(512);
  const std::string healthy = read_file(source_);
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    std::string content = healthy;
    const int flips = round % 3 == 0 ? 1 : round % 3 == 1 ? 10 : 300;
    for (int i = 0; i < flips; ++i)
      content[random() % content.size()] ^= static_cast<char>(1 + random() % 255);
    write_file(source_, content);
    try {
      const RecoveryReport report = recover();
      ++recovered;
      ASSERT_EQ(ask("PRAGMA integrity_check"), "ok");
      EXPECT_LE(report.rows() + report.rows_lost_and_found, 2000U);
    } catch (const StorageError& error) {
      EXPECT_EQ(error.code(), "RECOVERY_FAILED") << error.what();
    }
  }
  EXPECT_GT(recovered, kRounds * 9 / 10);
}

// Where all structure is: headers, cell pointers and the beginning of the records.
TEST_F(Damage, AtRandomPlacesOfStructureDoesNoMoreHarmEither) {
  std::mt19937_64 random(test_seed());
  constexpr int kRounds = 100;
  make_all_kinds(512);
  const std::string healthy = read_file(source_);
  const std::size_t pages = healthy.size() / 512;
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    std::string content = healthy;
    for (int i = 0; i < 300; ++i) {
      const std::size_t page = round % 2 == 0 ? random() % pages : random() % 40;
      content[page * 512 + random() % 64] = static_cast<char>(random());
    }
    write_file(source_, content);
    try {
      (void)recover();
      ASSERT_EQ(ask("PRAGMA integrity_check"), "ok");
    } catch (const StorageError& error) {
      EXPECT_EQ(error.code(), "RECOVERY_FAILED") << error.what();
    }
  }
}

}  // namespace
}  // namespace turnstile::test
