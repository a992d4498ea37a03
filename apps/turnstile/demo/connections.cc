// How connections are used.
#include <array>
#include <barrier>
#include <stdexcept>
#include <thread>

#include "demo/demo.h"
#include "demo/plain.h"
#include "turnstile/options.h"
#include "turnstile/transaction.h"

namespace turnstile::cli::demo {

namespace {

struct Unwanted {};

void shared_cache(Part& part) {
  const Engine& engine = machine_engine();
  const PlainOptions options{.engine = &engine};
  Plain writer(part, "file:app.db?cache=shared", options);
  Plain reader(part, "file:app.db?cache=shared", options);
  make_counter(writer);
  writer.must(kItemTable);
  part.tally().note(std::string("with the machine's SQLite ") + engine.libversion());
  for (int round = 0; round < kRounds; ++round) {
    writer.must("BEGIN IMMEDIATE");
    writer.must(kAddOne);
    reader.work(kReadValue);
    reader.work(kAddItem);  // Another table.
    writer.work("COMMIT");
  }
}

void caches_of_their_own(Part& part) {
  part.refused("a shared cache is refused",
               [] { static_cast<void>(Options::from_uri("file:app.db?cache=shared")); });
  const Database db = open_counter(part);
  read_beside_writer(part, db);
  count_together(part, db);
}

// What a SELECT of the same connection keeps out that was not read to its end.
void select_left_open(Plain& db) {
  db.must("CREATE TABLE old(x)");
  for (int round = 0; round < kRounds; ++round) {
    const OpenStatement reading(db, "SELECT id FROM counter");
    for (const char* const sql : {"DROP TABLE old", "VACUUM", "PRAGMA journal_mode=DELETE"})
      db.work(sql);
  }
}

// An INSERT with RETURNING keeps out the COMMIT, and without a transaction all other writers.
void insert_left_open(Part& part, Plain& db) {
  constexpr std::string_view kInsert = "INSERT INTO old VALUES (1), (2) RETURNING x";
  Plain other(part, "app.db", {.timeout_ms = kShortTimeout});
  for (int round = 0; round < kRounds; ++round) {
    db.must("BEGIN");
    OpenStatement inserting(db, kInsert);
    db.work("COMMIT");
    inserting.end();
    db.must("ROLLBACK");
    const OpenStatement alone(db, kInsert);
    part.known().unfinished_writer =
        db.is_in(SQLITE_TXN_WRITE) && sqlite3_get_autocommit(db.handle()) != 0;
    other.work(kAddOne);
    part.known().unfinished_writer = false;
  }
}

void statements_left_open(Part& part) {
  Plain db(part, "app.db");
  make_counter(db);
  select_left_open(db);
  insert_left_open(part, db);
}

void statements_that_end(Part& part) {
  const Database db = open_counter(part);
  const Lane lane = db.lane("demo");
  for (int round = 0; round < kRounds; ++round) {
    part.call([&] {
      lane.write([](WriteTx& tx) {
        tx.execute("CREATE TABLE old(x)");
        static_cast<void>(tx.query<std::int64_t>("SELECT id FROM counter").all());
        static_cast<void>(
            tx.query<std::int64_t>("INSERT INTO old VALUES (1), (2) RETURNING x").all());
        tx.execute("DROP TABLE old");
      });
    });
  }
}

// Two threads with SQLite's mutex, each of which believes that the transaction is its own. They
// take turns at a barrier, so that it happens each time.
void one_connection_for_two(Part& part) {
  Plain db(part, "app.db", {.flags = PlainOptions().flags | SQLITE_OPEN_FULLMUTEX});
  make_counter(db);
  db.must(kItemTable);
  std::barrier<> turn(2);
  FailureEvidence before;
  std::jthread other([&] {
    for (int round = 0; round < kRounds; ++round) {
      turn.arrive_and_wait();
      db.work("BEGIN");  // Inside the one of the first.
      before = db.evidence(kAddItem);
      db.work(kAddItem);  // Reported as stored.
      turn.arrive_and_wait();
    }
  });
  for (int round = 0; round < kRounds; ++round) {
    db.work("BEGIN");
    db.work(kAddOne);
    turn.arrive_and_wait();
    turn.arrive_and_wait();
    db.work("ROLLBACK");  // The first does not want what it has done.
  }
  other.join();
  part.known().joined_transaction = before.in_transaction;
  db.lost(kRounds - db.number(kCountRows), "ROWS_MISSING", kAddItem);
}

void one_lane_for_two(Part& part) {
  const Database db = open_counter(part);
  const Lane lane = db.lane("demo");
  std::jthread other([&] {
    for (int round = 0; round < kRounds; ++round)
      part.call([&] { lane.write([](WriteTx& tx) { add_one(tx, 2); }); });
  });
  for (int round = 0; round < kRounds; ++round) {
    part.call([&] {
      try {
        lane.write([](WriteTx& tx) {
          add_one(tx);
          throw Unwanted();
        });
      } catch (const Unwanted&) {
        return;  // Rolled back, as it was meant.
      }
    });
  }
  other.join();
  part.expect("additions of the first", 0, value_of(db, 1));
  part.expect("additions of the other one", kRounds, value_of(db, 2));
}

// A statement that undoes the transaction, after which the program goes on as if nothing were.
constexpr std::string_view kTwice = "INSERT OR ROLLBACK INTO counter VALUES (1, 0)";

void go_on_after_rollback(Part& part) {
  Plain db(part, "app.db");
  make_counter(db);
  db.must(kItemTable);
  for (int round = 0; round < kRounds; ++round) {
    for (const char* const end : {"COMMIT", "ROLLBACK"}) {
      db.must("BEGIN");
      const bool was_open = db.evidence(kTwice).in_transaction;
      static_cast<void>(db.run(kTwice));  // "It is there already."
      part.known().transaction_ended = was_open && !db.evidence(end).in_transaction;
      db.work(kAddItem);
      db.work(end);
    }
  }
  // Half of the rows are of transactions that were rolled back.
  db.lost(db.number(kCountRows) - kRounds, "NOT_ROLLED_BACK", kAddItem);
}

void lost_transaction_is_told(Part& part) {
  const Database db = open_counter(part);
  const Lane lane = db.lane("demo");
  part.refused("a statement after the rollback is refused", [&] {
    lane.write([](WriteTx& tx) {
      try {
        tx.execute(kTwice);
      } catch (const ConstraintError&) {
        add_one(tx);
      }
    });
  });
  part.expect("additions without a transaction", 0, value_of(db));
  count_together(part, db);
}

constexpr auto kConnectionDemos = std::to_array<Demo>({
    {.name = "shared-cache-table-lock",
     .work = "One connection reads, and writes to another table, while another one writes.",
     .plain = shared_cache,
     .turnstile = caches_of_their_own},
    {.name = "open-statement",
     .work = "A program reads some rows, then drops a table; inserts some, and commits or writes.",
     .plain = statements_left_open,
     .turnstile = statements_that_end},
    {.name = "shared-connection",
     .work =
         "Two threads have a transaction at the same time; one rolls back, the other adds rows.",
     .plain = one_connection_for_two,
     .turnstile = one_lane_for_two},
    {.name = "ended-transaction",
     .work = "A program goes on in its transaction after a conflict that undid it.",
     .plain = go_on_after_rollback,
     .turnstile = lost_transaction_is_told},
});

}  // namespace

std::span<const Demo> connection_demos() noexcept {
  return kConnectionDemos;
}

}  // namespace turnstile::cli::demo
