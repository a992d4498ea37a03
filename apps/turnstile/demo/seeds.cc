// The two failures that this program was begun for: five subsystems on one file, and four
// processes that start with a new one.
#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>

#include "demo/demo.h"
#include "demo/plain.h"
#include "turnstile/transaction.h"

namespace turnstile::cli::demo {

namespace {

constexpr std::string_view kSubsystemTables =
    "CREATE TABLE entity(id INTEGER PRIMARY KEY, total INTEGER NOT NULL);"
    "INSERT INTO entity VALUES (1, 0);"
    "CREATE TABLE embedding(id INTEGER PRIMARY KEY, vector BLOB);"
    "CREATE TABLE audit(id INTEGER PRIMARY KEY, event TEXT);"
    "CREATE TABLE job(id INTEGER PRIMARY KEY, runs INTEGER NOT NULL DEFAULT 0);"
    "INSERT INTO job(id) VALUES (1), (2), (3), (4);"
    "CREATE TABLE task(id INTEGER PRIMARY KEY, state TEXT)";

constexpr std::string_view kClaim =
    "UPDATE task SET state = 'claimed' WHERE id = (SELECT min(id) FROM task WHERE state = 'new')";

/// What a subsystem does, cut in two where another one can come in between: after its read, or
/// after its first write.
struct Operation {
  std::string_view begin;
  std::string_view first;
  std::string_view second;
  std::string_view commit;
};

constexpr auto kSubsystems = std::to_array<Operation>({
    {"BEGIN", "SELECT total FROM entity WHERE id = 1",
     "UPDATE entity SET total = total + 1 WHERE id = 1", "COMMIT"},
    {"BEGIN",
     "INSERT INTO embedding VALUES (1, zeroblob(16)) "
     "ON CONFLICT(id) DO UPDATE SET vector = excluded.vector",
     "SELECT id, vector FROM embedding", "COMMIT"},
    {"", "", "INSERT INTO audit(event) VALUES ('something happened')", ""},
    {"BEGIN", "SELECT id FROM job ORDER BY id", "UPDATE job SET runs = runs + 1", "COMMIT"},
    {"BEGIN", "INSERT INTO task(state) VALUES ('new')", kClaim, "COMMIT"},
});

// One operation on a connection of its own, as a pool of four lends it.
class Run {
 public:
  Run(Part& part, const Operation& operation, const std::string& uri, const Engine& engine)
      : operation_(operation), db_(part, uri, {.engine = &engine}) {}

  // Up to the gap; false when it has failed.
  bool begin() {
    const bool goes_on = step(operation_.begin) && step(operation_.first);
    if (!goes_on) static_cast<void>(db_.run("ROLLBACK"));
    return goes_on;
  }
  void finish() {
    const bool ends_here = operation_.commit.empty();
    if (step(operation_.second, ends_here) && !ends_here) step(operation_.commit, true);
    static_cast<void>(db_.run("ROLLBACK"));
  }

 private:
  // Counts a failure, and the last statement; so an operation counts once.
  bool step(std::string_view sql, bool is_last = false) {
    if (sql.empty()) return true;
    FailureEvidence before = db_.evidence(sql);
    const auto since = std::chrono::steady_clock::now();
    const int result = db_.run(sql);
    if (result == SQLITE_OK && !is_last) return true;
    return db_.count(std::move(before), result, since);
  }

  const Operation& operation_;
  Plain db_;
};

// How long the one in the gap gets to show whether it has to wait. Who waits, and does not fail, is
// let through by going on.
constexpr std::chrono::milliseconds kGap{50};

void pair_up(Part& part, const std::string& uri, const Engine& engine) {
  for (const Operation& first : kSubsystems) {
    for (const Operation& second : kSubsystems) {
      Run outer(part, first, uri, engine);
      const bool goes_on = outer.begin();
      auto intruder = std::async(std::launch::async, [&] {
        Run inner(part, second, uri, engine);
        if (inner.begin()) inner.finish();
      });
      static_cast<void>(intruder.wait_for(kGap));
      if (goes_on) outer.finish();
      intruder.get();
    }
  }
}

void five_subsystems_plain(Part& part) {
  std::string uri = "file:app.db?cache=shared";
  const Engine* engine = &own_engine();
  try {
    engine = &machine_engine();
    part.tally().note(std::string("cache=shared, WAL, busy timeout 5 s, as published, with the "
                                  "machine's SQLite ") +
                      engine->libversion());
  } catch (const Impossible&) {
    uri = "file:app.db";
    part.tally().note(
        "WAL, busy timeout 5 s; without the shared cache, for which the machine "
        "has no SQLite");
  }
  Plain maker(part, uri, {.engine = engine});
  maker.must("PRAGMA journal_mode=WAL");
  maker.must(kSubsystemTables);
  pair_up(part, uri, *engine);
}

void run_through_lane(Part& part, const Lane& lane, const Operation& operation,
                      const std::function<void()>& in_the_gap) {
  part.call([&] {
    lane.write([&](WriteTx& tx) {
      if (!operation.first.empty()) tx.execute_script(operation.first);
      in_the_gap();
      tx.execute_script(operation.second);
    });
  });
}

void five_subsystems(Part& part) {
  Options options;
  options.migrations = {{1, "subsystems", std::string(kSubsystemTables)}};
  const Database db = Database::open(part.file("app.db"), options);
  for (const Operation& first : kSubsystems) {
    for (const Operation& second : kSubsystems) {
      std::future<void> intruder;
      run_through_lane(part, db.lane("first"), first, [&] {
        intruder = std::async(std::launch::async,
                              [&] { run_through_lane(part, db.lane("second"), second, [] {}); });
        // It waits for its turn, which comes after this transaction.
        static_cast<void>(intruder.wait_for(kGap));
      });
      intruder.get();
    }
  }
}

constexpr int kProcesses = 4;
constexpr int kStarts = 5;

// One process of the seed: the timeout first, the version, the schema step, then WAL.
void start_as_published(Part& part) {
  Plain db(part, part.hear());
  db.must("BEGIN");
  const bool is_new = db.number("PRAGMA user_version") == 0;
  part.say("here");
  static_cast<void>(part.hear());
  bool done = true;
  if (is_new)
    done = db.work("CREATE TABLE made_by_step_1(id INTEGER PRIMARY KEY); PRAGMA user_version=1");
  static_cast<void>(db.run(done ? "COMMIT" : "ROLLBACK"));
  if (done) static_cast<void>(db.work("PRAGMA journal_mode=WAL"));
}

void four_starts_plain(Part& part) {
  for (int start = 0; start < kStarts; ++start) {
    std::vector<Helper> helpers;
    for (int i = 0; i < kProcesses; ++i) {
      helpers.push_back(part.start("helper"));
      helpers.back().send(std::to_string(start) + ".db");
    }
    for (Helper& helper : helpers)
      static_cast<void>(helper.hear());
    for (const Helper& helper : helpers)
      helper.send("go");
    for (Helper& helper : helpers)
      part.tally().add(Json::parse(helper.finish()));
  }
}

void four_starts(Part& part) {
  for (int start = 0; start < kStarts; ++start) {
    start_together(part, kProcesses);
    part.expect("rows of the processes", kProcesses, value_of(open_counter(part), 2));
    for (const auto& entry : std::filesystem::directory_iterator("."))
      std::filesystem::remove(entry.path());
  }
}

constexpr auto kSeedDemos = std::to_array<Demo>({
    {.name = "seed1",
     .work = "Entities, embeddings, audit, cron and tasks on one file: each beside each.",
     .plain = five_subsystems_plain,
     .turnstile = five_subsystems},
    {.name = "seed2",
     .work = "Four processes start at the same moment and bring the schema up to date.",
     .plain = four_starts_plain,
     .turnstile = four_starts,
     .helper = start_as_published},
});

}  // namespace

std::span<const Demo> seed_demos() noexcept {
  return kSeedDemos;
}

}  // namespace turnstile::cli::demo
