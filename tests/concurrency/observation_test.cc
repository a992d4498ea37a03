// Observers and those who start and stop them, among threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdint>
#include <future>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/interleaving.h"
#include "support/log_events.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/test_seed.h"
#include "support/told.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

TEST(ObserverThread, WaitsAtTheEndOfAnObservationForItsRunningCallback) {
  NoteDatabase notes;
  std::atomic<bool> ended{false};
  std::promise<void> go_on;
  std::optional<Observation> observation = notes->observe({"note"}, [&](const Change&) {
    go_on.get_future().wait();
    ended = true;
  });
  AtPoint calls("Subscription::deliver:calls", 1);
  AtPoint waits("Subscription::stop:waits");
  add_note(notes.lane(), "first");
  calls.wait_until_reached();
  auto stopped = std::async(std::launch::async, [&] {
    observation.reset();
    return ended.load();
  });
  waits.wait_until_reached();
  calls.release();
  go_on.set_value();
  EXPECT_TRUE(stopped.get());
}

TEST(ObserverThread, CallsNobodyWhoWasStoppedBefore) {
  NoteDatabase notes;
  Told<Change> told;
  std::optional<Observation> observation = notes->observe({"note"}, told.callback());
  AtPoint committed("CommitNotes::commit:before_note", 1);
  auto write = std::async(std::launch::async, [&] { add_note(notes.lane(), "first"); });
  committed.wait_until_reached();
  observation.reset();
  committed.release();
  write.get();
  notes->close();
  EXPECT_THAT(told.all(), IsEmpty());
}

TEST(ObserverThread, LeavesACommitThatIsAnnouncedToItsOwnProcess) {
  NoteDatabase notes;
  Told<Change> told;
  const Observation observation = notes->observe({"note"}, told.callback());
  Told<Change> strangers;
  AtPoint committed("CommitNotes::commit:before_note", 1);
  auto write = std::async(std::launch::async, [&] { add_note(notes.lane(), "first"); });
  committed.wait_until_reached();
  // It is in the file, and every look until it is noted has to pass it over.
  const std::size_t looks = 20;
  const Observation other = notes->observe({}, strangers.callback());
  for (std::size_t i = 0; i < looks; ++i) {
    auto again = notes->observe({}, [](const Change&) {});
    std::this_thread::yield();
  }
  EXPECT_THAT(told.all(), IsEmpty());
  committed.release();
  write.get();
  const std::vector<Change> all = told.wait_for(1);
  EXPECT_EQ(all.front().others, 0U);
  EXPECT_EQ(all.front().tables, std::vector<std::string>{"note"});
}

TEST(ObserverThread, TellsEachObserverOfEachCommitOfManyThreads) {
  NoteDatabase notes;
  Told<Change> first;
  Told<Change> second;
  const Observation one = notes->observe({"note"}, first.callback());
  const Observation two = notes->observe({}, second.callback());
  constexpr int kThreads = 8;
  constexpr int kEach = 100;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&notes, thread] {
        const Lane lane = notes.lane("thread " + std::to_string(thread));
        for (int i = 0; i < kEach; ++i)
          add_note(lane, std::to_string(thread) + " " + std::to_string(i));
      });
    }
  }
  const std::uint64_t commits = notes->metrics().groups.count;
  notes->close();
  EXPECT_EQ(commits_in(first.all()), commits);
  EXPECT_EQ(commits_in(second.all()), commits);
  for (const Change& change : first.all())
    EXPECT_EQ(change.others, 0U);
}

TEST(ObserverThread, SurvivesObservationsThatComeAndGoAmongCommits) {
  NoteDatabase notes;
  const std::uint64_t seed = test_seed();
  std::atomic<bool> done{false};
  std::vector<std::jthread> threads;
  for (unsigned thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&, thread] {
      std::mt19937_64 random(seed + thread);
      const Lane lane = notes.lane("thread " + std::to_string(thread));
      for (int i = 0; !done; ++i) {
        std::optional<Observation> own;
        std::atomic<int> calls{0};
        if (random() % 2 == 0) {
          own = lane.observe({"note"}, [&](const Change&) { ++calls; });
        } else {
          own = lane.observe_query<std::int64_t>("SELECT count(*) FROM note",
                                                 [&](const auto&) { ++calls; });
        }
        if (random() % 2 == 0) add_note(lane, std::to_string(thread) + " " + std::to_string(i));
        if (random() % 4 == 0)
          while (calls == 0 && !done)
            add_note(lane, std::to_string(thread) + " more " + std::to_string(random()));
        own.reset();
      }
    });
  }
  RawSqlite stranger(notes.file());
  stranger.run("PRAGMA busy_timeout = 30000");
  for (int i = 0; i < 100; ++i)
    stranger.run("INSERT INTO note(text) VALUES ('stranger " + std::to_string(i) + "')");
  done = true;
  threads.clear();
  // And it still works.
  Told<Change> told;
  const Observation last = notes->observe({"note"}, told.callback());
  add_note(notes.lane(), "last");
  EXPECT_GE(commits_in(told.wait_for(1)), 1U);
}

TEST(ObserverThread, EndsAmongCommitsWhenTheDatabaseCloses) {
  for (int round = 0; round < 20; ++round) {
    NoteDatabase notes;
    Told<Change> told;
    const Observation observation = notes->observe({"note"}, told.callback());
    std::atomic<std::size_t> committed{0};
    std::jthread writer([&, lane = notes.lane()] {  // The handle itself is not to be shared.
      try {
        for (int i = 0;; ++i) {
          add_note(lane, std::to_string(i));
          ++committed;
        }
      } catch (const Error&) {
        return;  // It is closed.
      }
    });
    while (committed < 5)
      std::this_thread::yield();
    notes->close();
    writer.join();
    EXPECT_EQ(commits_in(told.all()), committed);
  }
}

// Without descriptors there is no inotify; those that are open stay so.
void take_all_descriptors(std::string_view point) {
  if (point != "Observers::make_watch:before_listening") return;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = 0;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

TEST(ObserverThread, LooksForCommitsWhereTheSystemDoesNotTellOfThem) {
  LogEvents events;
  NoteDatabase notes({.log_sink = events.sink()});
  RawSqlite stranger(notes.file());
  stranger.run("SELECT count(*) FROM note");
  Told<Change> told;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  gate::sync_point_hook = &take_all_descriptors;
  const Observation observation = notes->observe({"note"}, told.callback());
  gate::sync_point_hook = nullptr;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_THAT(events.of("OBSERVER_POLLS"), SizeIs(1));
  for (int i = 0; i < 3; ++i)
    stranger.run("INSERT INTO note(text) VALUES ('" + std::to_string(i) + "')");
  const auto all = told.wait_until([](const auto& changes) { return commits_in(changes) >= 3; });
  EXPECT_EQ(commits_in(all), 3U);
}

}  // namespace
}  // namespace turnstile::test
