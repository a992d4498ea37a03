// The examples of docs/guide/rules.md; guide_test.cc compares them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
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

std::optional<std::string> find_title(turnstile::ReadTx& tx, std::int64_t id) {
  return tx.query<std::string>("SELECT title FROM note WHERE id = ?", id).first();
}

void rename_note(turnstile::WriteTx& tx, std::int64_t id, const std::string& title) {
  if (find_title(tx, id) != title) tx.execute("UPDATE note SET title = ? WHERE id = ?", title, id);
}

class Audit {
 public:
  explicit Audit(turnstile::Lane lane) : lane_(std::move(lane)) {}

  [[nodiscard]] std::string_view lane_name() const { return lane_.name(); }

 private:
  turnstile::Lane lane_;
};

Audit make_audit(const turnstile::Database& db) {
  return Audit(db.lane("audit"));
}

class GuideToTheRules : public testing::Test {
 protected:
  [[nodiscard]] std::string title_now() const {
    return notes.read([&](ReadTx& tx) { return find_title(tx, first()).value_or("none"); });
  }
  [[nodiscard]] std::int64_t first() const {
    return notes.read(
        [](ReadTx& tx) { return tx.query<std::int64_t>("SELECT min(id) FROM note").one(); });
  }

  const TempDir directory_;
  const Database database_ =
      Database::open(directory_.file("app.db"),
                     {.migrations = {{1, "notes",
                                      "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT);"
                                      "INSERT INTO note VALUES (1, 'first')"}}});
  const Lane notes = database_.lane("notes");
};

TEST_F(GuideToTheRules, ShowsWhatBelongsAfterTheCommit) {
  const std::int64_t id = first();
  std::vector<std::int64_t> notified;
  const auto notify = [&notified](std::int64_t note) { notified.push_back(note); };
  notes.write([&](turnstile::WriteTx& tx) {
    rename_note(tx, id, "shopping");
    tx.after_commit([notify, id] { notify(id); });
  });
  EXPECT_THAT(notified, ElementsAre(id));
  EXPECT_EQ(title_now(), "shopping");
}

TEST_F(GuideToTheRules, ShowsWhatIsDoneBeforeTheWrite) {
  const std::int64_t id = first();
  const auto fetch_title = [](std::int64_t) { return std::string("fetched"); };
  const std::string title = fetch_title(id);  // As long as it takes, and nobody waits.
  notes.write([&](turnstile::WriteTx& tx) { rename_note(tx, id, title); });
  EXPECT_EQ(title_now(), "fetched");
}

TEST_F(GuideToTheRules, ShowsHowASubsystemGetsItsLane) {
  EXPECT_EQ(make_audit(database_).lane_name(), "audit");
}

TEST_F(GuideToTheRules, ShowsWhatToDoAtADeadline) {
  const std::int64_t id = first();
  std::vector<std::int64_t> later;
  const auto rename = [&] {
    try {
      notes.write({.timeout = 50ms}, [&](turnstile::WriteTx& tx) { rename_note(tx, id, "later"); });
    } catch (const turnstile::Timeout& error) {
      if (!error.retry_is_safe()) throw;
      later.push_back(id);
    }
  };
  {
    const HeldWrite busy(database_.lane("importer"));
    rename();
  }
  EXPECT_THAT(later, ElementsAre(id));
  rename();
  EXPECT_EQ(title_now(), "later");
}

}  // namespace
}  // namespace turnstile::test
