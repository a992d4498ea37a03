#include <filesystem>
#include <string>

#include "cli/cli_test.h"
#include "support/files.h"
#include "support/raw_sqlite.h"

namespace turnstile::test {
namespace {

using testing::HasSubstr;

/// A database of its own, whose table has leaves that can be destroyed.
class CliRecover : public testing::Test {
 protected:
  CliRecover() {
    run_raw(source_,
            "PRAGMA page_size=512; CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT);"
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) "
            "INSERT INTO note SELECT i, 'note number ' || i FROM n");
  }

  void destroy_a_leaf() const {
    const std::size_t page = std::stoul(
        run_raw(source_, "SELECT min(pageno) FROM dbstat WHERE name='note' AND pagetype='leaf'"));
    std::string content = read_file(source_);
    content.replace((page - 1) * 512, 512, 512, '\0');
    write_file(source_, content);
  }

  [[nodiscard]] CliResult recover(std::vector<std::string> flags = {}) const {
    flags.insert(flags.begin(), {"recover", source_, destination_});
    return run_cli(flags);
  }

  TempDir directory_;
  std::string source_ = directory_.file("source.db");
  std::string destination_ = directory_.file("new.db");
};

TEST_F(CliRecover, EndsWith0WhenEverythingWasRead) {
  const CliResult result = recover();
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("note    200"));
  EXPECT_THAT(result.out, HasSubstr("everything was read\n"));
  EXPECT_EQ(result.err, "") << "progress is for terminals";
  EXPECT_EQ(run_raw(destination_, "SELECT count(*) FROM note"), "200");
}

TEST_F(CliRecover, EndsWith1AndSaysWhatIsDamaged) {
  destroy_a_leaf();
  const CliResult result = recover();
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_THAT(result.out, HasSubstr(" of note: it is not a page of a table or an index"));
  EXPECT_THAT(result.out, HasSubstr("not everything could be read\n"));
}

TEST_F(CliRecover, SaysItAllInJson) {
  destroy_a_leaf();
  const CliResult result = recover({"--json"});
  EXPECT_EQ(result.status, 1) << result.err;
  const Json report = Json::parse(result.out);
  EXPECT_EQ(report.at("source"), source_);
  EXPECT_EQ(report.at("destination"), destination_);
  EXPECT_EQ(report.at("complete"), false);
  EXPECT_EQ(report.at("page_size_bytes"), 512);
  EXPECT_EQ(report.at("lost_and_found"), nullptr);
  EXPECT_EQ(report.at("in_use_by"), nullptr);
  const Json& table = report.at("tables").at(0);
  EXPECT_EQ(table.at("name"), "note");
  EXPECT_EQ(table.at("rows"), report.at("rows"));
  EXPECT_EQ(table.at("damaged_pages").size(), 1U);
  for (const char* key : {"lost_objects", "losses", "notes"})
    EXPECT_EQ(report.at(key), Json::array()) << key;
}

TEST_F(CliRecover, EndsWith6WhenNothingCanBeSalvaged) {
  write_file(source_, std::string(5000, 'x'));
  const CliResult result = recover({"--json"});
  EXPECT_EQ(result.status, 6);
  EXPECT_EQ(error_of(result).at("code"), "RECOVERY_FAILED");
  EXPECT_FALSE(std::filesystem::exists(destination_));
}

TEST_F(CliRecover, OverwritesNothing) {
  write_file(destination_, "precious");
  const CliResult result = recover({"--json"});
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(error_of(result).at("code"), "DB_EXISTS");
  EXPECT_EQ(read_file(destination_), "precious");
}

TEST_F(CliRecover, EndsWith4WithoutASource) {
  EXPECT_EQ(run_cli({"recover", directory_.file("nowhere.db"), destination_}).status, 4);
}

TEST_F(CliRecover, RefusesAPageSizeThatCannotBe) {
  for (const char* size : {"0", "1000", "4k", "-512"})
    EXPECT_EQ(recover({"--page-size=" + std::string(size)}).status, 3) << size;
  EXPECT_EQ(recover({"--page-size", "512"}).status, 0);
}

TEST_F(CliRecover, WarnsOfAProgramThatHasTheSourceOpen) {
  SqliteShell shell(source_);
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE"), "");
  const CliResult result = recover();
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.err, HasSubstr("process " + std::to_string(shell.pid()) + " (sqlite3)"));
}

}  // namespace
}  // namespace turnstile::test
