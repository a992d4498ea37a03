// Journal modes, starts, crashes and closes.
#include <array>
#include <memory>
#include <thread>

#include "demo/demo.h"
#include "demo/plain.h"
#include "turnstile/transaction.h"

namespace turnstile::cli::demo {

namespace {

constexpr int kBriefTimeout = 50;

void four_processes_start(Part& part) {
  start_together(part);
}

void reader_of_rollback_journal(Part& part) {
  Plain reader(part, "app.db");
  Plain writer(part, "app.db", {.timeout_ms = kBriefTimeout});
  make_counter(reader, "DELETE");
  for (int round = 0; round < kRounds; ++round) {
    writer.must("BEGIN IMMEDIATE");
    writer.must(kAddOne);
    OpenStatement reading(reader, "SELECT id FROM counter");
    writer.work("COMMIT");
    reading.end();
    writer.must("ROLLBACK");
  }
}

void reader_beside_writer(Part& part) {
  const Database db = open_counter(part);
  read_beside_writer(part, db);
}

void switch_beside_writer(Part& part) {
  for (int round = 0; round < kRounds; ++round) {
    const std::string name = std::to_string(round) + ".db";
    Plain writer(part, name);
    Plain starting(part, name);
    make_counter(writer, "DELETE");
    writer.must("BEGIN IMMEDIATE");
    writer.must(kAddOne);
    starting.work("PRAGMA journal_mode=WAL");
    writer.work("COMMIT");
  }
}

void leave_wal(Part& part) {
  Plain idle(part, "app.db");
  Plain leaving(part, "app.db");
  make_counter(idle);
  for (int round = 0; round < kRounds; ++round)
    leaving.work("PRAGMA journal_mode=DELETE");
}

void hand_out_a_single_file(Part& part) {
  const Database db = open_counter(part);
  const Lane lane = db.lane("demo");
  part.refused("leaving WAL mode is refused",
               [&] { lane.write([](WriteTx& tx) { tx.execute("PRAGMA journal_mode=DELETE"); }); });
  for (int round = 0; round < kRounds; ++round)
    part.call([&] { db.backup(part.file("copy" + std::to_string(round) + ".db")); });
}

constexpr std::string_view kExclusive = "PRAGMA locking_mode=EXCLUSIVE";
constexpr std::string_view kNormal = "PRAGMA locking_mode=NORMAL";

// With a rollback journal. NORMAL and one access are the cure.
void keep_the_file(Part& part) {
  Plain keeper(part, "app.db");
  Plain other(part, "app.db", {.timeout_ms = kBriefTimeout});
  make_counter(keeper, "DELETE");
  keeper.must(kExclusive);
  keeper.must(kAddOne);
  for (int round = 0; round < kRounds; ++round)
    other.work(kReadValue);
  const std::string mode = keeper.text(kNormal);
  keeper.must(kReadValue);
  part.tally().note("with a journal, NORMAL gives " + mode + ", and then the other one gets " +
                    name_of(other.run(kReadValue)));
}

// In WAL mode, set before the first access: NORMAL does nothing, only closing helps.
void keep_the_file_and_its_log(Part& part) {
  make_counter(*std::make_unique<Plain>(part, "log.db"));
  Plain keeper(part, "log.db");
  keeper.must(kExclusive);
  keeper.must(kAddOne);
  keeper.must("PRAGMA wal_checkpoint(TRUNCATE)");
  Plain other(part, "log.db", {.timeout_ms = kBriefTimeout});
  for (int round = 0; round < kRounds; ++round)
    other.work(kReadValue);
  const std::string mode = keeper.text(kNormal);
  keeper.must(kReadValue);
  part.tally().note("in WAL mode, NORMAL gives " + mode + ", and then the other one gets " +
                    name_of(other.run(kReadValue)));
  keeper.close();
  part.tally().note("when that connection is closed, the other one gets " +
                    name_of(other.run(kReadValue)));
}

// The mode needs the file for itself, which another connection has open.
void want_the_file(Part& part) {
  Plain other(part, "shared.db");
  make_counter(other);
  Plain wanting(part, "shared.db", {.timeout_ms = kBriefTimeout});
  wanting.must(kReadValue);
  part.known().exclusive_mode = wanting.text(kExclusive) == "exclusive";
  for (int round = 0; round < kRounds; ++round)
    wanting.work(kAddOne);
}

void exclusive_locking(Part& part) {
  keep_the_file(part);
  keep_the_file_and_its_log(part);
  want_the_file(part);
}

void locking_mode_is_refused(Part& part) {
  const Database db = open_counter(part);
  part.refused("the pragma is refused",
               [&] { db.lane("demo").write([](WriteTx& tx) { tx.execute(kExclusive); }); });
  read_beside_writer(part, db);
}

// A process is killed with commits in the log that are not in the file.
void crash_with_a_log(Part& part) {
  Shell shell(part);
  shell.must("PRAGMA wal_autocheckpoint=0");
  for (int round = 0; round < kRounds; ++round)
    shell.must(kAddOne);
  shell.kill();
}

void recovery(Part& part) {
  {
    Plain maker(part, "app.db");
    make_counter(maker);
  }
  crash_with_a_log(part);
  Shell recovering(part, "pause-at-recovery");
  recovering.run_into_pause(kReadValue);
  Plain db(part, "app.db", {.timeout_ms = 0});
  for (int round = 0; round < kRounds; ++round)
    db.work(kReadValue);
  recovering.go_on(true);
}

void start_beside_recovery(Part& part) {
  open_counter(part).close();
  crash_with_a_log(part);
  Shell recovering(part, "pause-at-recovery");
  recovering.run_into_pause(kReadValue);
  recovering.go_on(false);
  start_together(part);
}

constexpr std::string_view kLargeTable =
    "CREATE TABLE large(id INTEGER PRIMARY KEY, data BLOB);"
    "INSERT INTO large WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200)"
    "  SELECT i, zeroblob(2000) FROM n";

// A process is killed in a transaction that is larger than its cache, so that the file has a part.
void crash_with_a_journal(Part& part) {
  Shell shell(part);
  shell.must("PRAGMA cache_size=5");
  shell.must("BEGIN IMMEDIATE");
  shell.must("UPDATE large SET data = randomblob(2000)");
  shell.kill();
}

void roll_back_journal(Part& part) {
  {
    Plain maker(part, "app.db");
    make_counter(maker, "DELETE");
    maker.must(kLargeTable);
  }
  crash_with_a_journal(part);
  Plain reader(part, "app.db", {.flags = SQLITE_OPEN_READONLY});
  reader.work("SELECT count(*) FROM large");
  Shell undoing(part, "pause-at-delete");
  undoing.run_into_pause("SELECT count(*) FROM large");
  Plain other(part, "app.db", {.timeout_ms = 0});
  for (int round = 1; round < kRounds; ++round)
    other.work("SELECT count(*) FROM large");
  undoing.go_on(true);
}

void start_after_a_journal(Part& part) {
  {
    Plain maker(part, "app.db");
    maker.must("PRAGMA journal_mode=DELETE");
    maker.must(kLargeTable);
  }
  crash_with_a_journal(part);
  Shell undoing(part, "pause-at-delete");
  undoing.run_into_pause("SELECT count(*) FROM large");
  undoing.go_on(false);
  part.call([&] {
    const Database db = Database::open(part.file("app.db"));
    const auto changed = db.lane("demo").read([](ReadTx& tx) {
      return tx.query<std::int64_t>("SELECT count(*) FROM large WHERE data <> zeroblob(2000)")
          .one();
    });
    part.expect("rows of the transaction that was cut off", 0, changed);
  });
}

// The index is tried a hundred times, with pauses that take ten seconds. They are not the point.
int no_pause(sqlite3_vfs* /*vfs*/, int microseconds) noexcept {
  return microseconds;
}

void frozen_index(Part& part) {
  {
    Plain maker(part, "app.db");
    make_counter(maker);
  }
  Shell frozen(part, "lock-index");
  frozen.run_into_pause("");
  sqlite3_vfs hasty = *sqlite3_vfs_find("unix");
  hasty.zName = "hasty";
  hasty.xSleep = no_pause;
  sqlite3_vfs_register(&hasty, 0);
  {
    Plain db(part, "app.db", {.vfs = "hasty"});
    for (int round = 0; round < kRounds; ++round)
      db.work(kReadValue);
  }
  sqlite3_vfs_unregister(&hasty);
}

void thawing_index(Part& part) {
  open_counter(part).close();
  Shell frozen(part, "lock-index");
  frozen.run_into_pause("");
  frozen.go_on(false);
  start_together(part);
}

void open_beside_close(Part& part) {
  {
    Plain maker(part, "app.db");
    make_counter(maker);
  }
  Shell closing(part, "pause-at-delete");
  closing.must(kAddOne);
  closing.run_into_pause("close");
  Plain db(part, "app.db", {.timeout_ms = 0});
  for (int round = 0; round < kRounds; ++round)
    db.work(kReadValue);
  closing.go_on(true);
}

constexpr auto kJournalDemos = std::to_array<Demo>({
    {.name = "rollback-journal-reader",
     .work = "A transaction commits while another one reads.",
     .plain = reader_of_rollback_journal,
     .turnstile = reader_beside_writer},
    {.name = "wal-switch-beside-writer",
     .work = "A program starts with a new file while another one writes to it.",
     .plain = switch_beside_writer,
     .turnstile = four_processes_start},
    {.name = "leave-wal-beside-others",
     .work = "A database that is in use is to become one single file.",
     .plain = leave_wal,
     .turnstile = hand_out_a_single_file},
    {.name = "exclusive-locking-mode",
     .work = "One connection wants the file for itself, another one reads.",
     .plain = exclusive_locking,
     .turnstile = locking_mode_is_refused},
    {.name = "recovery-after-crash",
     .work = "Programs start after a kill -9, while one of them recovers the log.",
     .plain = recovery,
     .turnstile = start_beside_recovery},
    {.name = "hot-journal",
     .work = "Programs start after a kill -9 inside a large transaction.",
     .plain = roll_back_journal,
     .turnstile = start_after_a_journal},
    {.name = "frozen-peer",
     .work = "A program reads while a stopped process keeps the log's index.",
     .plain = frozen_index,
     .turnstile = thawing_index},
    {.name = "last-close",
     .work = "A program starts while another one closes the file.",
     .plain = open_beside_close,
     .turnstile = four_processes_start},
});

}  // namespace

std::span<const Demo> journal_demos() noexcept {
  return kJournalDemos;
}

}  // namespace turnstile::cli::demo
