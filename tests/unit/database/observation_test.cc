#include "turnstile/observation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/log_events.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/run_script.h"
#include "support/soon.h"
#include "support/thrown.h"
#include "support/told.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Observation, TellsOfACommitByName) {
  NoteDatabase notes;
  Told<Change> told;
  const Observation observation = notes->observe({"note"}, told.callback());
  add_note(notes.lane(), "first");
  EXPECT_THAT(told.wait_for(1), ElementsAre(change_of({"note"})));
}

TEST(Observation, TellsASubsystemThroughItsLane) {
  NoteDatabase notes;
  Told<Change> told;
  const Observation observation = notes.lane("watcher").observe({"note"}, told.callback());
  add_note(notes.lane(), "first");
  EXPECT_THAT(told.wait_for(1), ElementsAre(change_of({"note"})));
}

TEST(Observation, TellsOfEveryCommitOnce) {
  NoteDatabase notes;
  Told<Change> told;
  const Observation observation = notes->observe({"note"}, told.callback());
  constexpr std::size_t kCommits = 500;
  for (std::size_t i = 0; i < kCommits; ++i)
    add_note(notes.lane(), std::to_string(i));
  notes->close();
  EXPECT_EQ(commits_in(told.all()), kCommits);
}

TEST(Observation, DoesNotTellOfOtherTables) {
  NoteDatabase notes;
  run_script(notes.lane(), "CREATE TABLE other(x)");
  Told<Change> told;
  const Observation observation = notes->observe({"other"}, told.callback());
  add_note(notes.lane(), "first");
  run_script(notes.lane(), "INSERT INTO other VALUES (1)");
  EXPECT_THAT(told.wait_for(1), ElementsAre(change_of({"other"})));
}

TEST(Observation, ComparesNamesAsSqliteDoes) {
  NoteDatabase notes;
  Told<Change> told;
  const Observation observation = notes->observe({"NOTE"}, told.callback());
  add_note(notes.lane(), "first");
  EXPECT_THAT(told.wait_for(1), ElementsAre(change_of({"NOTE"})));
}

TEST(Observation, SaysNothingOfARollback) {
  NoteDatabase notes;
  Told<Change> told;
  const Observation observation = notes->observe({"note"}, told.callback());
  EXPECT_THROW(notes.lane().write([](WriteTx& tx) {
    add_note(tx, "undone");
    throw std::runtime_error("no");
  }),
               std::runtime_error);
  add_note(notes.lane(), "kept");
  EXPECT_EQ(commits_in(told.wait_for(1)), 1U);
}

TEST(Observation, SaysNothingOfAClosureThatWasUndoneAloneInItsGroup) {
  NoteDatabase notes;
  run_script(notes.lane(), "CREATE TABLE other(x)");
  Told<Change> told;
  const Observation observation = notes->observe({}, told.callback());
  const Lane lane = notes.lane();
  std::vector<std::future<void>> writes;
  lane.write([&](WriteTx& tx) {
    tx.after_commit([&] {
      for (int i = 0; i < 8; ++i) {
        writes.push_back(lane.submit([i](WriteTx& inner) {
          if (i % 2 == 0) {
            inner.execute("INSERT INTO other VALUES (1)");
            throw std::runtime_error("no");
          }
          add_note(inner, std::to_string(i));
        }));
      }
    });
  });
  for (std::future<void>& write : writes)
    write.wait();
  notes->close();
  for (const Change& change : told.all())
    EXPECT_THAT(change.tables, testing::AnyOf(IsEmpty(), ElementsAre("note")));
}

TEST(Observation, TellsOfWhatWasCommittedAtAYieldPoint) {
  NoteDatabase notes;
  Told<Change> told;
  const Observation observation = notes->observe({"note"}, told.callback());
  const Lane bulk =
      notes->lane("bulk", {.priority = Priority::Bulk, .budget = std::chrono::milliseconds(0)});
  std::future<void> other;
  bulk.write([&](WriteTx& tx) {
    add_note(tx, "first");
    other = std::async(std::launch::async, [&] { add_note(notes.lane(), "other"); });
    while (!tx.yield_point()) {
    }
    add_note(tx, "second");
  });
  other.get();
  notes->close();
  EXPECT_EQ(commits_in(told.all()), 3U);
}

TEST(Observation, TellsTogetherWhatWasCommittedDuringACallback) {
  NoteDatabase notes;
  Told<Change> told;
  std::promise<void> inside;
  std::promise<void> go_on;
  bool is_first = true;
  const Observation observation = notes->observe({"note"}, [&](const Change& change) {
    told.add(change);
    if (!std::exchange(is_first, false)) return;
    inside.set_value();
    go_on.get_future().wait();
  });
  add_note(notes.lane(), "first");
  inside.get_future().wait();
  for (int i = 0; i < 50; ++i)
    add_note(notes.lane(), std::to_string(i));
  go_on.set_value();
  EXPECT_THAT(told.wait_for(2), ElementsAre(change_of({"note"}), change_of({"note"}, 50)));
}

TEST(Observation, KeepsCountOfMoreCommitsThanItKeeps) {
  NoteDatabase notes;
  Told<Change> told;
  std::promise<void> inside;
  std::promise<void> go_on;
  bool is_first = true;
  const Observation observation = notes->observe({"note"}, [&](const Change& change) {
    told.add(change);
    if (!std::exchange(is_first, false)) return;
    inside.set_value();
    go_on.get_future().wait();
  });
  add_note(notes.lane(), "first");
  inside.get_future().wait();
  constexpr int kMany = 3000;
  for (int i = 0; i < kMany; ++i)
    add_note(notes.lane(), std::to_string(i));
  go_on.set_value();
  EXPECT_THAT(told.wait_for(2), ElementsAre(change_of({"note"}), change_of({"note"}, kMany)));
}

TEST(Observation, LetsItsCallbackReadAndWrite) {
  NoteDatabase notes;
  run_script(notes.lane(), "CREATE TABLE seen(count INTEGER)");
  Told<std::int64_t> counts;
  const Observation observation = notes->observe({"note"}, [&](const Change&) {
    const std::int64_t count = count_notes(notes.lane("observer"));
    notes.lane("observer").write([&](WriteTx& tx) {
      tx.execute("INSERT INTO seen VALUES (?)", count);
    });
    counts.add(count);
  });
  add_note(notes.lane(), "first");
  EXPECT_THAT(counts.wait_for(1), ElementsAre(1));
}

TEST(Observation, CanStopItselfInItsCallback) {
  NoteDatabase notes;
  Told<Change> told;
  std::optional<Observation> observation;
  std::promise<void> is_set;
  observation = notes->observe({"note"}, [&](const Change& change) {
    is_set.get_future().wait();
    observation.reset();
    told.add(change);
  });
  is_set.set_value();
  add_note(notes.lane(), "first");
  told.wait_for(1);
  add_note(notes.lane(), "second");
  notes->close();
  EXPECT_THAT(told.all(), SizeIs(1));
}

TEST(Observation, CanStopAnotherInItsCallback) {
  NoteDatabase notes;
  Told<Change> told;
  std::optional<Observation> second;
  const Observation first = notes->observe({"note"}, [&](const Change&) { second.reset(); });
  second = notes->observe({"note"}, told.callback());
  add_note(notes.lane(), "first");
  notes->close();
  EXPECT_THAT(told.all(), IsEmpty());
}

TEST(Observation, CanStartAnotherInItsCallback) {
  NoteDatabase notes;
  Told<Change> told;
  std::optional<Observation> second;
  std::promise<void> started;
  const Observation first = notes->observe({"note"}, [&](const Change&) {
    if (second) return;
    second = notes->observe({"note"}, told.callback());
    started.set_value();
  });
  add_note(notes.lane(), "first");
  started.get_future().wait();
  add_note(notes.lane(), "second");
  EXPECT_THAT(told.wait_for(1), Contains(change_of({"note"})));
}

TEST(Observation, StartsAgainAfterTheLastHasEnded) {
  NoteDatabase notes;
  for (int i = 0; i < 20; ++i) {
    Told<Change> told;
    const Observation observation = notes->observe({"note"}, told.callback());
    add_note(notes.lane(), std::to_string(i));
    EXPECT_GE(commits_in(told.wait_for(1)), 1U);
  }
}

TEST(Observation, GoesOnAfterItsCallbackThrew) {
  LogEvents events;
  NoteDatabase notes({.log_sink = events.sink()});
  Told<Change> told;
  const Observation observation = notes->observe({"note"}, [&](const Change& change) {
    told.add(change);
    throw std::runtime_error("the observer's own trouble");
  });
  add_note(notes.lane(), "first");
  told.wait_for(1);
  add_note(notes.lane(), "second");
  told.wait_for(2);
  Told<Change> after;
  const Observation other = notes->observe({"note"}, after.callback());
  add_note(notes.lane(), "third");
  after.wait_for(1);
  notes->close();
  EXPECT_THAT(events.of("OBSERVER_FAILED"), Contains(HasSubstr("the observer's own trouble")));
}

TEST(Observation, CountsItsCallsAndFailures) {
  NoteDatabase notes;
  Told<Change> told;
  const Observation bad = notes->observe({"note"}, [&](const Change&) { throw 1; });
  const Observation good = notes->observe({"note"}, told.callback());
  add_note(notes.lane(), "first");
  told.wait_for(1);
  add_note(notes.lane(), "second");
  told.wait_for(2);
  const Metrics metrics = notes->metrics();
  EXPECT_GE(metrics.observer_calls, 3U);
  EXPECT_GE(metrics.observer_failures, 1U);
  EXPECT_LT(metrics.observer_failures, metrics.observer_calls);
}

TEST(Observation, IsToldOfTheLastCommitBeforeTheDatabaseCloses) {
  for (int i = 0; i < 50; ++i) {
    NoteDatabase notes;
    Told<Change> told;
    const Observation observation = notes->observe({"note"}, told.callback());
    const auto submitted = notes.lane().submit([](WriteTx& tx) { add_note(tx, "last"); });
    notes->close();
    EXPECT_EQ(commits_in(told.all()), 1U);
  }
}

TEST(Observation, MayOutliveItsDatabase) {
  std::optional<Observation> observation;
  {
    NoteDatabase notes;
    observation = notes->observe({"note"}, [](const Change&) {});
  }
  observation->stop();
}

TEST(Observation, IsRefusedOnceTheDatabaseIsClosed) {
  NoteDatabase notes;
  const Lane lane = notes.lane();
  notes->close();
  const auto error = thrown<MisuseError>([&] { auto o = lane.observe({}, [](const Change&) {}); });
  EXPECT_EQ(error.code(), "DB_CLOSED");
}

TEST(Observation, RefusesToCloseTheDatabaseInItsCallback) {
  NoteDatabase notes;
  Told<std::string> codes;
  const Observation observation = notes->observe({"note"}, [&](const Change&) {
    codes.add(std::string(thrown<MisuseError>([&] {
                            Database again = Database::open(notes.file(), with_notes());
                            again.close();
                          }).code()));
  });
  add_note(notes.lane(), "first");
  EXPECT_THAT(codes.wait_for(1), ElementsAre("CLOSE_INSIDE_CLOSURE"));
}

TEST(Observation, BoundsCloseByItsCallback) {
  NoteDatabase notes;
  std::promise<void> inside;
  std::promise<void> go_on;
  const Observation observation = notes->observe({"note"}, [&](const Change&) {
    inside.set_value();
    go_on.get_future().wait();
  });
  add_note(notes.lane(), "first");
  inside.get_future().wait();
  const auto error = thrown<Timeout>([&] { notes->close(std::chrono::milliseconds(1)); });
  EXPECT_EQ(error.code(), "CLOSE_TIMEOUT");
  EXPECT_THAT(error.what(), HasSubstr("callback of an observation"));
  go_on.set_value();
}

TEST(Observation, SeesTheOwnCommitsOfADatabaseInMemory) {
  const Database database = Database::open(":memory:", with_notes());
  Told<Change> told;
  const Observation observation = database.observe({"note"}, told.callback());
  add_note(database.lane("notes"), "first");
  EXPECT_THAT(told.wait_for(1), ElementsAre(change_of({"note"})));
}

TEST(Observation, SeesTheCommitsOfAnotherConnection) {
  NoteDatabase notes;
  Told<Change> told;
  const Observation observation = notes->observe({"note"}, told.callback());
  run_raw(notes.file(), "INSERT INTO note(text) VALUES ('by a stranger')");
  EXPECT_THAT(told.wait_for(1),
              ElementsAre(Change{.tables = {}, .all_tables = true, .commits = 1, .others = 1}));
}

TEST(Observation, TellsStrangersAndOwnCommitsApart) {
  NoteDatabase notes;
  Told<Change> told;
  const Observation observation = notes->observe({"note"}, told.callback());
  RawSqlite stranger(notes.file());
  constexpr std::uint64_t kEach = 100;
  for (std::uint64_t i = 0; i < kEach; ++i) {
    add_note(notes.lane(), "own " + std::to_string(i));
    stranger.run("INSERT INTO note(text) VALUES ('foreign " + std::to_string(i) + "')");
  }
  std::uint64_t others = 0;
  const auto all = told.wait_until(
      [](const std::vector<Change>& changes) { return commits_in(changes) >= 2 * kEach; });
  for (const Change& change : all)
    others += change.others;
  EXPECT_EQ(commits_in(all), 2 * kEach);
  EXPECT_EQ(others, kEach);
}

TEST(Observation, CountsAVacuumAsAnOwnCommit) {
  NoteDatabase notes;
  Told<Change> told;
  const Observation observation = notes->observe({"note"}, told.callback());
  notes->maintenance().vacuum();
  EXPECT_THAT(told.wait_for(1), ElementsAre(unknown_change(1, 0)));
  add_note(notes.lane(), "after it");
  EXPECT_THAT(told.wait_for(2), ElementsAre(unknown_change(1, 0), change_of({"note"})));
}

TEST(Observation, CountsSchemaStepsAsAnOwnCommit) {
  NoteDatabase notes;
  Told<Change> told;
  const Observation observation = notes->observe({"note"}, told.callback());
  static_cast<void>(
      notes->migrate("part", {{1, "add a note", "INSERT INTO note(text) VALUES ('one')"}}));
  // The table of the records was made too, which changes the schema.
  EXPECT_THAT(told.wait_for(1), ElementsAre(unknown_change(1, 0)));
  static_cast<void>(
      notes->migrate("part", {{1, "add a note", "INSERT INTO note(text) VALUES ('one')"},
                              {2, "another", "INSERT INTO note(text) VALUES ('two')"}}));
  EXPECT_THAT(told.wait_for(2), Contains(change_of({"note"})));
}

TEST(Observation, SaysNothingOfStatistics) {
  NoteDatabase notes;
  run_script(notes.lane(), "CREATE INDEX by_text ON note(text)");
  Told<Change> told;
  const Observation observation = notes->observe({"note"}, told.callback());
  notes->maintenance().analyze();
  notes->maintenance().analyze();
  add_note(notes.lane(), "after it");
  notes->close();
  EXPECT_EQ(told.all().back(), change_of({"note"}));
}

TEST(Observation, TellsTheLogThatItsFileWasReplaced) {
  LogEvents events;
  Options options = with_notes();
  options.log_sink = events.sink();
  NoteDatabase notes(options);
  Told<Change> told;
  const Observation observation = notes->observe({"note"}, told.callback());
  std::filesystem::rename(notes.file(), notes.file() + ".old");
  EXPECT_TRUE(soon([&] { return events.count("OBSERVER_FAILED") > 0; }));
  EXPECT_THAT(events.of("OBSERVER_FAILED"), ElementsAre(HasSubstr("DB_FILE_REPLACED")));
  EXPECT_THAT(told.all(), IsEmpty());
}

TEST(Observation, SeesEachCommitWhileTheLogIsStartedOver) {
  NoteDatabase notes({.checkpoint_frames = 10});
  Told<Change> told;
  const Observation observation = notes->observe({"note"}, told.callback());
  RawSqlite stranger(notes.file());
  constexpr std::size_t kEach = 200;
  for (std::size_t i = 0; i < kEach; ++i) {
    add_note(notes.lane(), "own " + std::to_string(i));
    stranger.run("INSERT INTO note(text) VALUES ('foreign " + std::to_string(i) + "')");
    if (i % 20 == 0) stranger.run("PRAGMA wal_checkpoint(TRUNCATE)");
  }
  const auto all = told.wait_until(
      [](const std::vector<Change>& changes) { return commits_in(changes) >= 2 * kEach; });
  EXPECT_EQ(commits_in(all), 2 * kEach);
}

TEST(Observation, SeesCommitsThroughAReadOnlyDatabase) {
  TempDir directory;
  const std::string file = directory.file("app.db");
  RawSqlite stranger(file);
  stranger.run("PRAGMA journal_mode=WAL");
  stranger.run("CREATE TABLE note(text)");
  const Database database = Database::open(file, {.mode = OpenMode::ReadOnly});
  Told<Change> told;
  const Observation observation = database.observe({"note"}, told.callback());
  stranger.run("INSERT INTO note VALUES ('x')");
  EXPECT_EQ(told.wait_for(1).front().others, 1U);
}

TEST(Observation, SeesOwnCommitsWithoutAWriteAheadLog) {
  NoteDatabase notes({.without_wal = WithoutWal::RollbackJournal, .vfs = "unix-dotfile"});
  Told<Change> told;
  const Observation observation = notes->observe({"note"}, told.callback());
  for (int i = 0; i < 20; ++i) {
    run_script(notes.lane(), "UPDATE note SET text = 'x' WHERE id = 4711");
    add_note(notes.lane(), std::to_string(i));
  }
  const auto all = told.wait_until([](const auto& changes) { return commits_in(changes) >= 20; });
  EXPECT_EQ(commits_in(all), 20U);
  for (const Change& change : all)
    EXPECT_EQ(change, change_of({"note"}, change.commits));
}

TEST(Observation, SeesOthersCommitsWithoutAWriteAheadLog) {
  TempDir directory;
  const std::string file = directory.file("app.db");
  RawSqlite stranger(file);
  stranger.run("CREATE TABLE note(text)");
  const Database database = Database::open(file, {.mode = OpenMode::ReadOnly});
  Told<Change> told;
  const Observation observation = database.observe({"note"}, told.callback());
  stranger.run("PRAGMA busy_timeout = 10000");
  for (int i = 0; i < 20; ++i)
    stranger.run("INSERT INTO note VALUES ('x')");
  const auto all = told.wait_until([](const auto& changes) { return commits_in(changes) >= 20; });
  EXPECT_EQ(commits_in(all), 20U);
}

TEST(Observation, TakesOneConnectionMoreWhileItLasts) {
  // CORE-02: the pool stays as it is; an observed database has one fixed helper beside it.
  NoteDatabase notes;
  const auto open_files = [&] {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      std::error_code error;
      if (std::filesystem::read_symlink(entry.path(), error) == notes.file()) ++count;
    }
    return count;
  };
  const std::size_t before = open_files();
  std::vector<Observation> observations;
  for (int i = 0; i < 5; ++i)
    observations.push_back(notes->observe({"note"}, [](const Change&) {}));
  EXPECT_EQ(open_files(), before + 1);
  EXPECT_EQ(notes->info().pool.connections, 4);
}

TEST(Observation, EndsWithItsHandle) {
  NoteDatabase notes;
  Told<Change> told;
  notes->observe({}, told.callback()).stop();
  add_note(notes.lane(), "first");
  notes->close();
  EXPECT_THAT(told.all(), IsEmpty());
}

}  // namespace
}  // namespace turnstile::test
