// Queries whose rows are told again when a commit has changed them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "support/log_events.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/run_script.h"
#include "support/thrown.h"
#include "support/told.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using NoteRow = std::tuple<std::int64_t, std::string>;

TEST(ObservedQuery, GivesRowsAtOnceAndAfterEachChange) {
  NoteDatabase notes;
  Told<std::vector<NoteRow>> told;
  const Observation observation = notes.lane().observe_query<std::int64_t, std::string>(
      "SELECT id, text FROM note ORDER BY id", told.callback());
  told.wait_for(1);
  add_note(notes.lane(), "first");
  told.wait_for(2);
  add_note(notes.lane(), "second");
  EXPECT_THAT(told.wait_for(3),
              ElementsAre(IsEmpty(), ElementsAre(NoteRow{1, "first"}),
                          ElementsAre(NoteRow{1, "first"}, NoteRow{2, "second"})));
}

TEST(ObservedQuery, TakesArguments) {
  NoteDatabase notes;
  add_note(notes.lane(), "a");
  add_note(notes.lane(), "b");
  Told<std::vector<std::int64_t>> told;
  Observation observation;
  {
    const std::string wanted = "b";
    const char* other = "nothing";
    observation = notes.lane().observe_query<std::int64_t>(
        "SELECT id FROM note WHERE text IN (?, ?, ?)", told.callback(), std::string_view(wanted),
        other, 4711);
  }
  EXPECT_THAT(told.wait_for(1), ElementsAre(ElementsAre(2)));
}

TEST(ObservedQuery, DoesNotGiveTheSameRowsTwice) {
  NoteDatabase notes;
  Told<std::vector<std::string>> told;
  const Observation observation = notes.lane().observe_query<std::string>(
      "SELECT text FROM note WHERE text LIKE 'seen%' ORDER BY id", told.callback());
  told.wait_for(1);
  add_note(notes.lane(), "unseen");
  run_raw(notes.file(), "CREATE TABLE whatever(x)");
  add_note(notes.lane(), "seen 1");
  EXPECT_THAT(told.wait_for(2), ElementsAre(IsEmpty(), ElementsAre("seen 1")));
}

TEST(ObservedQuery, SeesTheTablesBehindAView) {
  NoteDatabase notes;
  run_script(notes.lane(), "CREATE VIEW v AS SELECT count(*) AS n FROM note");
  Told<std::vector<std::int64_t>> told;
  const Observation observation =
      notes.lane().observe_query<std::int64_t>("SELECT n FROM v", told.callback());
  told.wait_for(1);
  add_note(notes.lane(), "first");
  EXPECT_THAT(told.wait_for(2), ElementsAre(ElementsAre(0), ElementsAre(1)));
}

TEST(ObservedQuery, FollowsAViewThatIsRedefined) {
  NoteDatabase notes;
  run_script(notes.lane(),
             "CREATE TABLE other(x); CREATE VIEW v AS SELECT count(*) AS n FROM note");
  const Lane lane = notes.lane();
  Told<std::vector<std::int64_t>> told;
  const Observation observation =
      lane.observe_query<std::int64_t>("SELECT n FROM v", told.callback());
  told.wait_for(1);
  lane.write([](WriteTx& tx) {
    tx.execute_script("DROP VIEW v; CREATE VIEW v AS SELECT 10 + count(*) AS n FROM other");
  });
  told.wait_for(2);
  run_script(lane, "INSERT INTO other VALUES (1)");
  EXPECT_THAT(told.wait_for(3), ElementsAre(ElementsAre(0), ElementsAre(10), ElementsAre(11)));
}

TEST(ObservedQuery, LetsItsCallbackWrite) {
  NoteDatabase notes;
  run_script(notes.lane(), "CREATE TABLE copy(x)");
  const Lane lane = notes.lane();
  Told<std::size_t> copied;
  const Observation observation = lane.observe_query<std::string>(
      "SELECT text FROM note", [&](const std::vector<std::string>& rows) {
        lane.write([&](WriteTx& tx) {
          for (const std::string& row : rows)
            tx.execute("INSERT INTO copy VALUES (?)", row);
        });
        copied.add(rows.size());
      });
  copied.wait_for(1);
  add_note(lane, "first");
  EXPECT_THAT(copied.wait_for(2), ElementsAre(0, 1));
}

TEST(ObservedQuery, RefusesSqlThatIsWrongAtOnce) {
  NoteDatabase notes;
  const auto error = thrown<Error>([&] {
    auto o = notes.lane().observe_query<int>("SELECT nothing FROM note", [](const auto&) {});
  });
  EXPECT_EQ(error.code(), "SQL_ERROR");
}

TEST(ObservedQuery, RefusesSqlThatWrites) {
  NoteDatabase notes;
  const auto error = thrown<MisuseError>([&] {
    auto o = notes.lane().observe_query<int>("DELETE FROM note RETURNING id", [](const auto&) {});
  });
  EXPECT_EQ(error.code(), "READ_ONLY_TRANSACTION");
}

TEST(ObservedQuery, TellsTheSinkOfAQueryThatFailsLater) {
  LogEvents events;
  NoteDatabase notes({.log_sink = events.sink()});
  run_script(notes.lane(), "CREATE TABLE gone(x INTEGER)");
  const Lane lane = notes.lane();
  Told<std::vector<std::int64_t>> told;
  const Observation observation =
      lane.observe_query<std::int64_t>("SELECT x FROM gone", told.callback());
  told.wait_for(1);
  run_script(lane, "DROP TABLE gone");
  run_script(lane, "CREATE TABLE gone AS SELECT 7 AS x");
  EXPECT_THAT(told.wait_for(2), ElementsAre(IsEmpty(), ElementsAre(7)));
}

TEST(ObservedQuery, WorksWithOneConnectionForAll) {
  NoteDatabase notes({.connections = 1});
  Told<std::vector<std::int64_t>> told;
  const Observation observation =
      notes.lane().observe_query<std::int64_t>("SELECT count(*) FROM note", told.callback());
  told.wait_for(1);
  add_note(notes.lane(), "first");
  EXPECT_THAT(told.wait_for(2), ElementsAre(ElementsAre(0), ElementsAre(1)));
}

}  // namespace
}  // namespace turnstile::test
