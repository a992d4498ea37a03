// The examples of docs/guide/observing.md; guide_test.cc compares them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include "support/temp_dir.h"
#include "support/told.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Tasks = std::vector<std::tuple<std::int64_t, std::string>>;

class GuideToObserving : public testing::Test {
 protected:
  static Options schema() {
    return {.migrations = {{1, "tables",
                            "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT);"
                            "CREATE TABLE tag(name TEXT);"
                            "CREATE TABLE task(id INTEGER PRIMARY KEY, title TEXT, owner TEXT, "
                            "done INTEGER NOT NULL DEFAULT 0)"}}};
  }

  TempDir directory_;
  const Database database_ = Database::open(directory_.file("app.db"), schema());
  const Lane notes = database_.lane("notes");
};

TEST_F(GuideToObserving, ShowsHowTablesAreObserved) {
  Told<int> refreshed;
  const auto refresh_notes = [&] { refreshed.add(1); };
  turnstile::Observation observation =
      notes.observe({"note", "tag"}, [&](const turnstile::Change& change) {
        if (change.all_tables || std::ranges::count(change.tables, "note") > 0) refresh_notes();
      });
  notes.write([](WriteTx& tx) { tx.execute("INSERT INTO note(title) VALUES ('x')"); });
  refreshed.wait_for(1);
  observation.stop();
}

TEST_F(GuideToObserving, ShowsHowAQueryIsObserved) {
  Told<Tasks> shown;
  const auto show = [&](const Tasks& tasks) { shown.add(tasks); };
  turnstile::Observation open_tasks = notes.observe_query<std::int64_t, std::string>(
      "SELECT id, title FROM task WHERE owner = ? AND done = 0 ORDER BY id",
      [&](const std::vector<std::tuple<std::int64_t, std::string>>& tasks) { show(tasks); }, "ada");
  shown.wait_for(1);
  notes.write(
      [](WriteTx& tx) { tx.execute("INSERT INTO task(title, owner) VALUES ('think', 'ada')"); });
  EXPECT_THAT(shown.wait_for(2),
              ElementsAre(IsEmpty(), ElementsAre(std::tuple(1, std::string("think")))));
}

}  // namespace
}  // namespace turnstile::test
