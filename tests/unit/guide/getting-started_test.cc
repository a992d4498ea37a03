// The examples of docs/guide/getting-started.md; guide_test.cc compares them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "support/held.h"
#include "support/temp_dir.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

/// The page names its file as a reader would, so that its directory has to be the current one.
class GuideToGettingStarted : public testing::Test {
 protected:
  GuideToGettingStarted() : former_(std::filesystem::current_path()) {
    std::filesystem::current_path(directory_.path());
  }
  ~GuideToGettingStarted() override { std::filesystem::current_path(former_); }

  const TempDir directory_;

 private:
  const std::filesystem::path former_;
};

TEST_F(GuideToGettingStarted, ShowsHowADatabaseIsOpenedUsedAndClosed) {
  turnstile::Options options;
  options.migrations = {
      {1, "notes", "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT NOT NULL)"},
  };
  turnstile::Database db = turnstile::Database::open("app.db", options);

  const turnstile::Lane notes = db.lane("notes");
  const std::int64_t id = notes.write([](turnstile::WriteTx& tx) {
    return tx.execute("INSERT INTO note(title) VALUES (?)", "shopping").last_insert_rowid;
  });
  const std::string title = notes.read([&](turnstile::ReadTx& tx) {
    return tx.query<std::string>("SELECT title FROM note WHERE id = ?", id).one();
  });
  std::future<std::int64_t> changed = notes.submit([](turnstile::WriteTx& tx) {
    return tx.execute("UPDATE note SET title = upper(title)").changes;
  });
  EXPECT_EQ(title, "shopping");
  EXPECT_EQ(changed.get(), 1);

  const turnstile::CloseReport report = db.close();
  EXPECT_TRUE(report.checkpointed);
}

TEST_F(GuideToGettingStarted, ShowsHowRowsAreRead) {
  const Database db =
      Database::open("app.db", {.migrations = {{1, "notes",
                                                "CREATE TABLE note(id INTEGER, title TEXT);"
                                                "INSERT INTO note VALUES (7, 'a'), (8, 'b')"}}});
  const Lane notes = db.lane("notes");
  std::vector<std::string> shown;
  const auto show = [&](std::int64_t id, const std::string& title) {
    shown.push_back(std::to_string(id) + title);
  };
  notes.read([&](turnstile::ReadTx& tx) {
    for (const auto& [id, title] :
         tx.query<std::int64_t, std::string>("SELECT id, title FROM note WHERE id > ?", 7))
      show(id, title);
  });
  EXPECT_THAT(shown, ElementsAre("8b"));
}

TEST_F(GuideToGettingStarted, ShowsWhatErrorsTell) {
  const Database db =
      Database::open("app.db", {.migrations = {{1, "notes", "CREATE TABLE note(title TEXT)"}}});
  const Lane notes = db.lane("notes");
  std::vector<std::string> told;
  const auto tell_user = [&](std::string text) { told.push_back(std::move(text)); };
  const auto delete_empty = [&] {
    try {
      notes.write({.timeout = 300ms},
                  [](turnstile::WriteTx& tx) { tx.execute("DELETE FROM note WHERE title = ''"); });
    } catch (const turnstile::Timeout& error) {
      tell_user("Busy: " + error.holder().describe());
    } catch (const turnstile::Error& error) {
      tell_user(std::string(error.message()) + ". " + std::string(error.hint()));
    }
  };
  delete_empty();
  EXPECT_THAT(told, testing::IsEmpty());
  const HeldWrite busy(db.lane("importer"));
  delete_empty();
  EXPECT_THAT(told, ElementsAre(HasSubstr("importer")));
}

TEST_F(GuideToGettingStarted, ShowsHowEventsAreHeard) {
  std::vector<std::string> lines;
  const auto log_line = [&](std::string line) { lines.push_back(std::move(line)); };

  turnstile::Options options;
  options.log_sink = [&](const turnstile::LogEvent& event) {
    const bool is_info = event.severity == turnstile::LogEvent::Severity::Info;
    log_line((is_info ? "note: " : "WARNING: ") + std::string(event.code) + ": " + event.message);
  };

  options.migrations = {{1, "notes", "CREATE TABLE note(title TEXT)"}};
  static_cast<void>(Database::open("app.db", options).close());
  EXPECT_THAT(lines, ElementsAre(HasSubstr("note: SCHEMA_MIGRATED: schema")));
}

}  // namespace
}  // namespace turnstile::test
