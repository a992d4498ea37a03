// Checkpoints, and what keeps the log.
#include <array>
#include <filesystem>
#include <latch>
#include <stdexcept>
#include <thread>
#include <utility>

#include "demo/demo.h"
#include "demo/plain.h"
#include "turnstile/transaction.h"

namespace turnstile::cli::demo {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kImpatient = 50;

bool checkpoint(Plain& db, int mode) {
  FailureEvidence before = db.evidence("PRAGMA wal_checkpoint");
  const auto since = Clock::now();
  const int result = sqlite3_wal_checkpoint_v2(db.handle(), nullptr, mode, nullptr, nullptr);
  return db.count(std::move(before), result, since);
}

// In the middle of the checkpoint's wait for the reader, another connection wants to write.
void truncate_beside_reader(Part& part) {
  Plain reader(part, "app.db");
  Plain writer(part, "app.db", {.timeout_ms = kImpatient});
  make_counter(reader);
  ActingSleep sleep([&writer] { writer.work(kAddOne); });
  Plain cleaner(part, "app.db", {.timeout_ms = kImpatient, .vfs = ActingSleep::kVfs});
  cleaner.must(kReadValue);
  const OpenStatement reading(reader, "SELECT id FROM counter");
  for (int round = 0; round < kRounds; ++round) {
    writer.work(kAddOne);
    sleep.again();
    checkpoint(cleaner, SQLITE_CHECKPOINT_TRUNCATE);
  }
  // The pragma does not even fail: the first column of its row says that it was busy.
  const std::string pragma = "PRAGMA wal_checkpoint(TRUNCATE)";
  const std::int64_t busy = cleaner.number(pragma);
  part.tally().done();
  cleaner.lost(busy, "NOTHING_DONE", pragma, "a row with busy=" + std::to_string(busy));
}

void checkpoints_beside_reader(Part& part) {
  const Database db = open_counter(part);
  const Lane lane = db.lane("demo");
  lane.read([&](ReadTx& tx) {
    part.expect("the reader's snapshot", 0,
                tx.query<std::int64_t>("SELECT value FROM counter WHERE id = 1").one());
    std::jthread([&] {
      for (int round = 0; round < kRounds; ++round) {
        part.call([&] { lane.write([](WriteTx& write) { add_one(write); }); });
        part.call([&] { db.maintenance().checkpoint(CheckpointMode::Passive); });
      }
    }).join();
  });
  const CheckpointReport report = db.maintenance().checkpoint();
  part.expect("the log is empty when the reader has ended", 1, report.complete ? 1 : 0);
}

// In the middle of another checkpoint, which waits for a reader.
struct SecondCheckpoint {
  Plain* db;
};
int begin_second(void* context, int /*attempts*/) noexcept {
  try {
    checkpoint(*static_cast<SecondCheckpoint*>(context)->db, SQLITE_CHECKPOINT_PASSIVE);
  } catch (const std::exception&) {
    return 0;  // What failed to be counted is missed by whoever looks at the counts.
  }
  return 0;
}

void two_at_once(Part& part) {
  Plain reader(part, "app.db");
  Plain first(part, "app.db");
  Plain second(part, "app.db");
  make_counter(reader);
  second.must(kReadValue);
  SecondCheckpoint context{&second};
  sqlite3_busy_handler(first.handle(), begin_second, &context);
  for (int round = 0; round < kRounds; ++round) {
    OpenStatement reading(reader, "SELECT id FROM counter");
    first.must(kAddOne);
    sqlite3_wal_checkpoint_v2(first.handle(), nullptr, SQLITE_CHECKPOINT_TRUNCATE, nullptr,
                              nullptr);
  }
}

void one_after_the_other(Part& part) {
  const Database db = open_counter(part);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < kRounds; ++round) {
        part.call([&] { db.lane("demo").write([](WriteTx& tx) { add_one(tx); }); });
        part.call([&] { db.maintenance().checkpoint(); });
      }
    });
  }
}

void inside_transaction(Part& part) {
  Plain db(part, "app.db");
  make_counter(db);
  for (int round = 0; round < kRounds; ++round) {
    db.must("BEGIN IMMEDIATE");
    db.must(kAddOne);
    checkpoint(db, SQLITE_CHECKPOINT_PASSIVE);
    db.work("PRAGMA wal_checkpoint");
    db.work("COMMIT");
  }
}

void between_transactions(Part& part) {
  const Database db = open_counter(part);
  for (int round = 0; round < kRounds; ++round) {
    part.call([&] { db.lane("demo").write([](WriteTx& tx) { add_one(tx); }); });
    part.call([&] {
      part.expect("a complete checkpoint", 1, db.maintenance().checkpoint().complete ? 1 : 0);
    });
  }
}

void without_a_read(Part& part) {
  Plain writer(part, "app.db");
  make_counter(writer);
  writer.must("PRAGMA wal_autocheckpoint=0");
  for (int round = 0; round < kRounds; ++round) {
    writer.must(kAddOne);
    Plain fresh(part, "app.db");
    int frames = 0;
    int copied = 0;
    const int result = sqlite3_wal_checkpoint_v2(fresh.handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                                 &frames, &copied);
    if (result == SQLITE_OK) part.tally().done();
    if (result == SQLITE_OK && frames < 0)
      fresh.lost(1, "NOTHING_DONE", "wal_checkpoint",
                 "a log of " + std::to_string(frames) + " frames");
  }
}

constexpr std::int64_t kLogLimit = 256 * 1024;
constexpr int kManyCommits = 200;
constexpr std::string_view kAddPage = "INSERT INTO page(data) VALUES (zeroblob(4000))";
constexpr std::string_view kPageTable = "CREATE TABLE page(id INTEGER PRIMARY KEY, data BLOB)";

std::int64_t log_bytes(const Part& part) {
  return static_cast<std::int64_t>(std::filesystem::file_size(part.file("app.db-wal")));
}

void reader_keeps_the_log(Part& part) {
  Plain reader(part, "app.db");
  Plain writer(part, "app.db");
  make_counter(reader);
  writer.must(kPageTable);
  writer.must("PRAGMA wal_autocheckpoint=10");
  const OpenStatement reading(reader, "SELECT id FROM counter");
  for (int i = 0; i < kManyCommits; ++i) {
    writer.work(kAddPage);
    if (log_bytes(part) > kLogLimit) writer.lost(1, "LOG_OVER_LIMIT", "wal_checkpoint");
  }
  part.tally().note("the log has " + std::to_string(log_bytes(part) / 1024) + " KiB");
}

// Until it is interrupted, because it keeps the log, or has waited for that in vain.
void read_for_long(const Database& db, std::latch& has_begun, const std::stop_token& stop) {
  bool counted = false;
  db.lane("reader").read({.timeout = std::chrono::minutes(1)}, [&](ReadTx& tx) {
    while (!stop.stop_requested()) {
      static_cast<void>(tx.query<std::int64_t>("SELECT count(*) FROM counter").one());
      if (!std::exchange(counted, true)) has_begun.count_down();
    }
  });
}

void log_stays_bounded(Part& part) {
  Options options;
  options.checkpoint_frames = 10;
  options.wal_limit_bytes = kLogLimit;
  options.at_wal_limit = AtWalLimit::InterruptReaders;
  const Database db = open_counter(part, options);
  const Lane lane = db.lane("demo");
  lane.write([](WriteTx& tx) { tx.execute_script(kPageTable); });
  std::latch has_begun(1);
  std::jthread reader([&](const std::stop_token& stop) {
    part.refused("the reader is ended at the limit", [&] { read_for_long(db, has_begun, stop); });
  });
  has_begun.wait();
  for (int i = 0; i < kManyCommits; ++i)
    part.call([&] { lane.write([](WriteTx& tx) { tx.execute(kAddPage); }); });
  reader.request_stop();
  reader.join();
  // The interrupt takes a moment, in which others write on.
  part.expect("the log is bounded", 1, log_bytes(part) < 4 * kLogLimit ? 1 : 0);
  part.tally().note("the log has " + std::to_string(log_bytes(part) / 1024) + " KiB");
}

void fill(Plain& db) {
  db.must("CREATE TABLE page(id INTEGER PRIMARY KEY, data BLOB)");
  for (int i = 0; i < kManyCommits; ++i)
    db.must(kAddPage);
}

void backup_in_steps(Part& part) {
  Plain source(part, "app.db");
  Plain writer(part, "app.db");
  make_counter(source);
  fill(source);
  Plain copy(part, "copy.db");
  sqlite3_backup* const backup =
      sqlite3_backup_init(copy.handle(), "main", source.handle(), "main");
  const int pages_a_step = kManyCommits / kRounds;
  int result = SQLITE_OK;
  // Ten times as many steps as the pages need.
  int steps = 0;
  for (; steps < 10 * kRounds && result == SQLITE_OK; ++steps) {
    result = sqlite3_backup_step(backup, pages_a_step);
    writer.must(kAddOne);
  }
  part.tally().done();
  if (result != SQLITE_DONE) source.lost(1, "NOT_DONE", "sqlite3_backup_step");
  part.tally().note(std::to_string(steps) + " steps, " +
                    std::to_string(sqlite3_backup_remaining(backup)) + " pages remain");
  sqlite3_backup_finish(backup);
}

void backup_of_one_moment(Part& part) {
  const Database db = open_counter(part);
  const Lane lane = db.lane("demo");
  lane.write([](WriteTx& tx) {
    tx.execute_script(kPageTable);
    for (int i = 0; i < kManyCommits; ++i)
      tx.execute(kAddPage);
  });
  std::jthread writer([&](const std::stop_token& stop) {
    while (!stop.stop_requested())
      part.call([&] { lane.write([](WriteTx& tx) { add_one(tx); }); });
  });
  part.call([&] { db.backup(part.file("copy.db")); });
  writer.request_stop();
  writer.join();
  part.expect("problems of the copy", 0,
              static_cast<std::int64_t>(verify_file(part.file("copy.db")).problems.size()));
}

constexpr auto kCheckpointDemos = std::to_array<Demo>({
    {.name = "checkpoint-waits-on-reader",
     .work = "One connection writes and another one checkpoints, while a third reads.",
     .plain = truncate_beside_reader,
     .turnstile = checkpoints_beside_reader},
    {.name = "two-checkpointers",
     .work = "Two connections checkpoint.",
     .plain = two_at_once,
     .turnstile = one_after_the_other},
    {.name = "checkpoint-in-transaction",
     .work = "A program writes and checkpoints.",
     .plain = inside_transaction,
     .turnstile = between_transactions},
    {.name = "checkpoint-does-nothing",
     .work = "A program writes, and another connection checkpoints.",
     .plain = without_a_read,
     .turnstile = between_transactions},
    {.name = "long-reader",
     .work = "200 commits of a page each beside a reader; the log is not to pass 256 KiB.",
     .plain = reader_keeps_the_log,
     .turnstile = log_stays_bounded},
    {.name = "backup-starts-over",
     .work = "A backup of 200 pages, while another connection writes.",
     .plain = backup_in_steps,
     .turnstile = backup_of_one_moment},
});

}  // namespace

std::span<const Demo> checkpoint_demos() noexcept {
  return kCheckpointDemos;
}

}  // namespace turnstile::cli::demo
