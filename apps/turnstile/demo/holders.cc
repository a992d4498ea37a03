// Who holds the write lock without need, and why waiting for it does not help.
#include <array>
#include <latch>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <utility>

#include "demo/demo.h"
#include "demo/plain.h"
#include "turnstile/transaction.h"

namespace turnstile::cli::demo {

namespace {

// Whatever keeps the snapshot: a transaction, a savepoint, or a SELECT outside of both.
void upgrade_beside_writer(Part& part) {
  Plain first(part, "app.db");
  Plain second(part, "app.db");
  make_counter(first);
  const auto write_beside = [&] {
    second.must("BEGIN IMMEDIATE");
    second.must(kAddOne);
    first.work(kAddOne);
    second.work("COMMIT");
  };
  for (int round = 0; round < kRounds; ++round) {
    for (const char* const begin : {"BEGIN", "SAVEPOINT here"}) {
      first.must(begin);
      first.must(kReadValue);
      write_beside();
      first.must("ROLLBACK");
    }
    const OpenStatement reading(first, "SELECT id FROM counter");
    write_beside();
  }
}

// Without a log: the reader wants to write, the writer wants to commit, and each is in the way of
// the other one.
void upgrade_beside_commit(Part& part) {
  Plain reader(part, "journal.db");
  Plain writer(part, "journal.db", {.timeout_ms = 0});
  make_counter(reader, "DELETE");
  for (int round = 0; round < kRounds; ++round) {
    reader.must("BEGIN");
    reader.must(kReadValue);
    writer.must("BEGIN IMMEDIATE");
    writer.must(kAddOne);
    static_cast<void>(writer.run("COMMIT"));  // Keeps a pending lock, and its transaction.
    reader.work(kAddOne);
    reader.must("ROLLBACK");
    writer.work("COMMIT");
  }
}

void upgrade(Part& part) {
  upgrade_beside_writer(part);
  upgrade_beside_commit(part);
}

void stale_snapshot(Part& part) {
  Plain first(part, "app.db");
  Plain second(part, "app.db");
  make_counter(first);
  for (int round = 0; round < kRounds; ++round) {
    first.must("BEGIN");
    first.must(kReadValue);
    second.work(kAddOne);
    first.work(kAddOne);
    first.must("ROLLBACK");
  }
}

void write_inside_write(Part& part) {
  Plain outer(part, "app.db", {.timeout_ms = kShortTimeout});
  Plain inner(part, "app.db", {.timeout_ms = kShortTimeout});
  make_counter(outer);
  for (int round = 0; round < kRounds; ++round) {
    outer.must("BEGIN IMMEDIATE");
    outer.must(kAddOne);
    part.known().thread_has_writer = outer.is_in(SQLITE_TXN_WRITE);
    inner.work(kAddOne);
    outer.work("COMMIT");
    part.known().thread_has_writer = outer.is_in(SQLITE_TXN_WRITE);
  }
}

void write_inside_read(Part& part) {
  Plain outer(part, "journal.db", {.timeout_ms = kShortTimeout});
  Plain inner(part, "journal.db", {.timeout_ms = kShortTimeout});
  make_counter(outer, "DELETE");
  for (int round = 0; round < kRounds; ++round) {
    const OpenStatement reading(outer, "SELECT id FROM counter");
    part.known().thread_has_reader = outer.is_in(SQLITE_TXN_READ);
    inner.work(kAddOne);
  }
}

void wait_for_oneself(Part& part) {
  write_inside_write(part);
  write_inside_read(part);
}

void hand_transaction_on(Part& part) {
  const Database db = open_counter(part);
  const Lane lane = db.lane("demo");
  const auto inner_with_tx = [](WriteTx& tx) { add_one(tx, 2); };
  for (int round = 0; round < kRounds; ++round) {
    part.call([&] {
      lane.write([&](WriteTx& tx) {
        add_one(tx);
        inner_with_tx(tx);
      });
    });
  }
  part.refused("a write inside a write is told at once", [&] {
    lane.write([&](WriteTx&) { lane.write([](WriteTx& tx) { add_one(tx, 2); }); });
  });
  // A read keeps no writer out, so that one inside it has nothing to wait for.
  part.call([&] { lane.read([&](ReadTx&) { lane.write([](WriteTx& tx) { add_one(tx, 2); }); }); });
  part.expect("additions that are in the file", kRounds + 1, value_of(db, 2));
}

// Attaches the file as `other`, and counts what is attached.
void attach(Part& part, Plain& db, std::string_view name) {
  db.must("ATTACH '" + part.file(name) + "' AS other");
  part.known().attached_databases = static_cast<int>(
      db.number("SELECT count(*) FROM pragma_database_list WHERE name NOT IN ('main', 'temp')"));
}

// One has its own file and waits for the other one, which a third connection gives back then; in
// the middle of the wait two begins with that file, and wants the first.
void opposite_order_at_begin(Part& part) {
  Plain holder(part, "two.db");
  Plain two(part, "two.db", {.timeout_ms = kShortTimeout});
  attach(part, two, "one.db");
  ActingSleep sleep([&] {
    holder.must("COMMIT");
    two.work("BEGIN IMMEDIATE");
  });
  Plain one(part, "one.db", {.vfs = ActingSleep::kVfs});
  attach(part, one, "two.db");
  for (int round = 0; round < kRounds; ++round) {
    holder.must("BEGIN IMMEDIATE");
    sleep.again();
    if (one.work("BEGIN IMMEDIATE")) one.must("COMMIT");
  }
}

void opposite_order(Part& part) {
  Plain one(part, "one.db", {.timeout_ms = kShortTimeout});
  Plain two(part, "two.db", {.timeout_ms = kShortTimeout});
  make_counter(one);
  make_counter(two);
  attach(part, one, "two.db");
  attach(part, two, "one.db");
  const std::string add_other = "UPDATE other.counter SET value = value + 1 WHERE id = 1";
  for (int round = 0; round < kRounds; ++round) {
    for (Plain* const each : {&one, &two}) {
      each->must("BEGIN");
      each->must(kAddOne);
    }
    one.work(add_other);
    two.work(add_other);
    one.must("ROLLBACK");
    two.must("ROLLBACK");
  }
  opposite_order_at_begin(part);
}

void two_tables_of_one_file(Part& part) {
  const Database db = open_counter(part);
  const auto add_both = [&](int first, int second) {
    for (int round = 0; round < kRounds; ++round) {
      part.call([&] {
        db.lane("demo").write([&](WriteTx& tx) {
          add_one(tx, first);
          add_one(tx, second);
        });
      });
    }
  };
  {
    const std::jthread one(add_both, 1, 2);
    const std::jthread other(add_both, 2, 1);
  }
  part.expect("additions that are in the file", std::int64_t{2} * kRounds, value_of(db));
}

constexpr std::string_view kFamily =
    "CREATE TABLE parent(id INTEGER PRIMARY KEY);"
    "CREATE TABLE child(parent INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED)";

void commit_that_fails(Part& part) {
  Plain careless(part, "app.db");
  Plain other(part, "app.db", {.timeout_ms = kShortTimeout});
  make_counter(careless);
  careless.must(kFamily);
  careless.must("PRAGMA foreign_keys=ON; BEGIN IMMEDIATE; INSERT INTO child VALUES (1)");
  if (careless.run("COMMIT") == SQLITE_OK)
    throw std::runtime_error("the foreign key was not checked");
  part.known().commit_failed = careless.is_in(SQLITE_TXN_WRITE);
  for (int round = 0; round < kRounds; ++round)
    other.work(kAddOne);
}

void commit_that_is_rolled_back(Part& part) {
  const Database db = open_counter(part);
  db.lane("demo").write([](WriteTx& tx) { tx.execute_script(kFamily); });
  part.refused("the failing commit is undone", [&] {
    db.lane("demo").write([](WriteTx& tx) { tx.execute("INSERT INTO child VALUES (1)"); });
  });
  count_together(part, db);
}

void zombie(Part& part) {
  Plain other(part, "app.db", {.timeout_ms = kShortTimeout});
  make_counter(other);
  Plain closed(part, "app.db");
  closed.must("BEGIN IMMEDIATE");
  closed.must(kAddOne);
  OpenStatement forgotten(closed, "SELECT id FROM counter");
  closed.close();
  part.known().own_writers =
      (closed.is_in(SQLITE_TXN_WRITE) ? 1 : 0) + (other.is_in(SQLITE_TXN_WRITE) ? 1 : 0);
  for (int round = 0; round < kRounds; ++round)
    other.work(kAddOne);
  forgotten.end();
}

// The same, with another program to write: the statement is there until the end.
void close_with_statement_left(Part& part) {
  open_counter(part).close();
  Shell other(part);
  for (int round = 0; round < kRounds; ++round) {
    Statement forgotten;
    part.call([&] {
      Database db = open_counter(part);
      db.lane("demo").write([&](WriteTx& tx) {
        add_one(tx);
        forgotten = tx.prepare("SELECT id FROM counter");
        static_cast<void>(forgotten.step());
      });
      db.close();
    });
    part.expect("the other program can write", 1,
                other.run("PRAGMA busy_timeout=0; " + std::string(kAddOne)) == "SQLITE_OK" ? 1 : 0);
  }
  part.expect("additions that are in the file", std::int64_t{2} * kRounds,
              value_of(open_counter(part)));
}

void replaced_handler(Part& part) {
  Plain first(part, "app.db");
  Plain second(part, "app.db");
  make_counter(first);
  second.must("PRAGMA busy_timeout=0");  // What a library does that borrows the connection.
  part.known().handler_replaced = second.number("PRAGMA busy_timeout") != 5000;
  for (int round = 0; round < kRounds; ++round) {
    first.must("BEGIN IMMEDIATE");
    first.must(kAddOne);
    second.work(kAddOne);
    first.work("COMMIT");
  }
}

void handler_that_stays(Part& part) {
  const Database db = open_counter(part);
  part.refused("the pragma is refused", [&] {
    db.lane("library").write([](WriteTx& tx) { tx.execute("PRAGMA busy_timeout=0"); });
  });
  count_together(part, db);
}

// SQLite's own handler, the one of a busy timeout; a thread interrupts it when it sleeps.
void deaf_wait(Part& part) {
  sqlite3* waiting = nullptr;
  ActingSleep sleep([&waiting] { std::jthread(sqlite3_interrupt, waiting).join(); });
  Plain first(part, "app.db");
  Plain second(part, "app.db", {.timeout_ms = kShortTimeout, .vfs = ActingSleep::kVfs});
  make_counter(first);
  waiting = second.handle();
  first.must("BEGIN IMMEDIATE");
  for (int round = 0; round < kRounds; ++round) {
    sleep.again();
    FailureEvidence before = second.evidence(kAddOne);
    const auto since = std::chrono::steady_clock::now();
    const int result = second.run(kAddOne);
    before.interrupted = sqlite3_is_interrupted(waiting) != 0;
    second.count(std::move(before), result, since);
  }
}

void wait_that_listens(Part& part) {
  const Database db = open_counter(part);
  const Lane lane = db.lane("demo");
  std::latch writing(1);
  std::latch done(1);
  const std::jthread holder([&] {
    lane.write([&](WriteTx& tx) {
      add_one(tx);
      writing.count_down();
      done.wait();
    });
  });
  writing.wait();
  for (int round = 0; round < kRounds; ++round) {
    part.call([&] {
      std::stop_source source;
      std::jthread canceller([&source] { source.request_stop(); });
      try {
        lane.write({.timeout = std::chrono::minutes(1), .stop = source.get_token()},
                   [](WriteTx& tx) { add_one(tx); });
      } catch (const Cancelled&) {
        return;
      }
      throw std::runtime_error("the wait was not cancelled");
    });
  }
  done.count_down();
}

constexpr auto kHolderDemos = std::to_array<Demo>({
    {.name = "upgrade-after-read",
     .work = "A transaction reads, then writes, while another one writes or commits.",
     .plain = upgrade,
     .turnstile = two_threads_count},
    {.name = "stale-snapshot",
     .work = "A transaction reads, another one commits, then the first writes.",
     .plain = stale_snapshot,
     .turnstile = two_threads_count},
    {.name = "waiting-for-oneself",
     .work = "A transaction or a read calls a function that writes, too.",
     .plain = wait_for_oneself,
     .turnstile = hand_transaction_on},
    {.name = "attached-databases",
     .work = "Two transactions change the same two things in opposite order.",
     .plain = opposite_order,
     .turnstile = two_tables_of_one_file},
    {.name = "failed-commit",
     .work = "A commit fails for a foreign key, then another connection writes.",
     .plain = commit_that_fails,
     .turnstile = commit_that_is_rolled_back},
    {.name = "zombie-connection",
     .work = "A connection is closed with a statement left over, then another one writes.",
     .plain = zombie,
     .turnstile = close_with_statement_left},
    {.name = "busy-handler-replaced",
     .work = "A library sets a timeout of 0 on a connection that it borrowed.",
     .plain = replaced_handler,
     .turnstile = handler_that_stays},
    {.name = "uninterruptible-wait",
     .work = "A wait for the write lock is cancelled.",
     .plain = deaf_wait,
     .turnstile = wait_that_listens},
});

}  // namespace

std::span<const Demo> holder_demos() noexcept {
  return kHolderDemos;
}

}  // namespace turnstile::cli::demo
