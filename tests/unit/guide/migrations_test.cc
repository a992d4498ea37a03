// The examples of docs/guide/migrations.md; guide_test.cc compares them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "support/files.h"
#include "support/pages.h"
#include "support/raw_sqlite.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::HasSubstr;

std::string trimmed(const std::string& text) {
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

class MigrationsGuide : public testing::Test {
 protected:
  const TempDir directory_;
  const std::string path = directory_.file("app.db");
};

TEST_F(MigrationsGuide, ShowsStepsOfSqlFilesAndFunctions) {
  {
    turnstile::Options options;
    options.migrations = {
        {1, "notes", "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT NOT NULL)"},
        {2, "tags",
         "CREATE TABLE tag(note INTEGER NOT NULL REFERENCES note(id), name TEXT NOT NULL)"},
    };
    turnstile::Database db = turnstile::Database::open(path, options);
    db.lane("a").write([](WriteTx& tx) { tx.execute("INSERT INTO note(title) VALUES ('tea  ')"); });
  }
  turnstile::Options options;
  {
    const std::filesystem::path before = std::filesystem::current_path();
    std::filesystem::create_directory(directory_.path() / "migrations");
    write_file(directory_.path() / "migrations" / "0001_notes.sql",
               "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT NOT NULL)");
    write_file(directory_.path() / "migrations" / "0002_tags.sql",
               "CREATE TABLE tag(note INTEGER NOT NULL REFERENCES note(id), name TEXT NOT NULL)");
    std::filesystem::current_path(directory_.path());
    options.migrations = turnstile::load_migrations("migrations");
    std::filesystem::current_path(before);
  }
  options.migrations.push_back({
      .version = 3,
      .name = "trim titles",
      .apply =
          [](turnstile::WriteTx& tx) {
            for (auto [id, title] :
                 tx.query<std::int64_t, std::string>("SELECT id, title FROM note").all())
              tx.execute("UPDATE note SET title = ? WHERE id = ?", trimmed(title), id);
          },
      .revision = "1",
  });
  turnstile::Database db = turnstile::Database::open(path, options);
  EXPECT_EQ(run_raw(path, "SELECT title FROM note"), "tea");
  EXPECT_EQ(run_raw(path + ".before-v3", "SELECT title FROM note"), "tea  ");
}

TEST_F(MigrationsGuide, ShowsHowATableIsRebuilt) {
  Options options;
  options.migrations = {{1, "notes",
                         "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT NOT NULL);"
                         "CREATE TABLE tag(note INTEGER REFERENCES note(id) ON DELETE CASCADE);"
                         "INSERT INTO note VALUES (1, 'tea'), (2, '');"
                         "INSERT INTO tag VALUES (1)"}};
  Database::open(path, options).close();
  const auto blocks = blocks_of(read_source("docs/guide/migrations.md"), "sql");
  ASSERT_EQ(blocks.size(), 1U);
  options.migrations.push_back({2, "rebuild", blocks[0]});
  Database::open(path, options).close();
  EXPECT_EQ(run_raw(path, "SELECT count(*) FROM note JOIN tag ON note = id"), "1");
}

TEST_F(MigrationsGuide, ShowsHowAFileIsAdopted) {
  run_raw(path,
          "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT NOT NULL); CREATE TABLE tag(x)");
  Options options;
  options.migrations = {{1, "notes", "CREATE TABLE note(x)"}, {2, "tags", "CREATE TABLE tag(x)"}};
  options.adopt_schema = 2;
  EXPECT_EQ(turnstile::Database::open(path, options).info().schema_version, 2);
}

TEST_F(MigrationsGuide, ShowsTheStepsOfASubsystem) {
  turnstile::Database db = turnstile::Database::open(path);
  turnstile::MigrationReport report = db.migrate(
      "ratings", {{1, "ratings", "CREATE TABLE rating(note INTEGER PRIMARY KEY, stars INTEGER)"}});
  EXPECT_EQ(report.now, 1);
}

TEST_F(MigrationsGuide, ShowsWhatAProgramExpects) {
  run_raw(path, "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT NOT NULL)");
  turnstile::Options options;
  options.expect_schema = R"(
      CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT NOT NULL);
      CREATE INDEX note_by_title ON note(title);
  )";
  EXPECT_THAT(thrown<MigrationError>([&] { (void)Database::open(path, options); }).what(),
              HasSubstr("index note_by_title: expected ON note (title), found nothing"));
}

}  // namespace
}  // namespace turnstile::test
