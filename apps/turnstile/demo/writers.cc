// Who waits for the write lock, and why waiting does not help.
#include <array>
#include <latch>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <thread>

#include "demo/demo.h"
#include "demo/plain.h"
#include "turnstile/transaction.h"

namespace turnstile::cli::demo {

namespace {

using std::chrono::milliseconds;

constexpr int kShortTimeout = 50;  // Milliseconds, where the whole of it is waited in vain.

void two_threads_count(Part& part) {
  const Database db = open_counter(part);
  count_together(part, db);
}

void no_timeout(Part& part) {
  Plain first(part, "app.db");
  Plain second(part, "app.db", {.timeout_ms = 0});
  make_counter(first);
  for (int round = 0; round < kRounds; ++round) {
    first.must("BEGIN IMMEDIATE");
    first.must(kAddOne);
    second.work(kAddOne);
    first.work("COMMIT");
  }
}

void foreign_writer(Part& part) {
  Plain db(part, "app.db", {.timeout_ms = kShortTimeout});
  make_counter(db);
  Shell shell(part);
  shell.must("BEGIN IMMEDIATE");
  for (int round = 0; round < kRounds; ++round)
    db.work(kAddOne);
  shell.must("COMMIT");
}

void write_beside_foreigner(Part& part) {
  const Database db = open_counter(part);
  Shell shell(part);
  shell.must("BEGIN IMMEDIATE");
  shell.later("COMMIT");
  count_together(part, db);
}

void stopped_holder(Part& part) {
  Plain db(part, "app.db", {.timeout_ms = kShortTimeout});
  make_counter(db);
  Shell shell(part);
  shell.must("BEGIN IMMEDIATE");
  shell.stop();
  for (int round = 0; round < kRounds; ++round)
    db.work(kAddOne);
}

void find_stopped_holder(Part& part) {
  const Database db = open_counter(part);
  Shell shell(part);
  shell.must("BEGIN IMMEDIATE");
  shell.stop();
  part.refused("who is in the way is named", [&] {
    db.lane("demo").write({.timeout = milliseconds(kShortTimeout)},
                          [](WriteTx& tx) { add_one(tx); });
  });
  shell.kill();
  count_together(part, db);
}

constexpr int kCrowd = 16;
constexpr milliseconds kHold{20};
constexpr milliseconds kCrowdTimeout{1000};
constexpr milliseconds kCrowdTime{2000};

// Runs `transaction` in kCrowd threads, again and again, for kCrowdTime.
void crowd(const std::function<void()>& transaction) {
  const auto end = std::chrono::steady_clock::now() + kCrowdTime;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kCrowd; ++i) {
    threads.emplace_back([&] {
      while (std::chrono::steady_clock::now() < end)
        transaction();
    });
  }
}

void unfair_crowd(Part& part) {
  Plain maker(part, "app.db");
  make_counter(maker);
  const int timeout = static_cast<int>(kCrowdTimeout.count());
  crowd([&] {
    // A connection of each thread's own, for as long as the thread lives.
    thread_local std::unique_ptr<Plain> own;
    if (!own) own = std::make_unique<Plain>(part, "app.db", PlainOptions{.timeout_ms = timeout});
    if (!own->work("BEGIN IMMEDIATE")) return;
    own->must(kAddOne);
    std::this_thread::sleep_for(kHold);
    own->must("COMMIT");
  });
}

void fair_crowd(Part& part) {
  Options options;
  options.busy_timeout = kCrowdTimeout;
  const Database db = open_counter(part, options);
  const Lane lane = db.lane("demo");
  crowd([&] {
    part.call([&] {
      lane.write([](WriteTx& tx) {
        add_one(tx);
        std::this_thread::sleep_for(kHold);
      });
    });
  });
}

void upgrade(Part& part) {
  Plain first(part, "app.db");
  Plain second(part, "app.db");
  make_counter(first);
  for (int round = 0; round < kRounds; ++round) {
    first.must("BEGIN");
    first.must(kReadValue);
    second.must("BEGIN IMMEDIATE");
    second.must(kAddOne);
    first.work(kAddOne);
    second.work("COMMIT");
    first.must("ROLLBACK");
  }
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

void wait_for_oneself(Part& part) {
  Plain outer(part, "app.db", {.timeout_ms = kShortTimeout});
  Plain inner(part, "app.db", {.timeout_ms = kShortTimeout});
  make_counter(outer);
  part.known().thread_has_writer = true;
  for (int round = 0; round < kRounds; ++round) {
    outer.must("BEGIN IMMEDIATE");
    outer.must(kAddOne);
    inner.work(kAddOne);
    outer.work("COMMIT");
  }
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
}

void opposite_order(Part& part) {
  Plain one(part, "one.db", {.timeout_ms = kShortTimeout});
  Plain two(part, "two.db", {.timeout_ms = kShortTimeout});
  make_counter(one);
  make_counter(two);
  one.must("ATTACH '" + part.file("two.db") + "' AS other");
  two.must("ATTACH '" + part.file("one.db") + "' AS other");
  part.known().attached_databases = 1;
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
  part.known().commit_failed = true;
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
  part.known().own_writers = 0;
  for (int round = 0; round < kRounds; ++round)
    other.work(kAddOne);
  forgotten.end();
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

// Waits as SQLite's own handler does, but shorter; the interrupt comes in the middle.
int wait_and_interrupt(void* handle, int attempts) noexcept {
  constexpr int kAttempts = 50;
  if (attempts == 2) sqlite3_interrupt(static_cast<sqlite3*>(handle));
  std::this_thread::sleep_for(milliseconds(1));
  return attempts < kAttempts ? 1 : 0;
}

void deaf_wait(Part& part) {
  Plain first(part, "app.db");
  Plain second(part, "app.db");
  make_counter(first);
  sqlite3_busy_handler(second.handle(), wait_and_interrupt, second.handle());
  part.known().interrupted = true;
  first.must("BEGIN IMMEDIATE");
  for (int round = 0; round < kRounds; ++round)
    second.work(kAddOne);
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

constexpr auto kWriterDemos = std::to_array<Demo>({
    {.name = "no-busy-timeout",
     .work = "Two connections write in turn.",
     .plain = no_timeout,
     .turnstile = two_threads_count},
    {.name = "foreign-writer",
     .work = "A program writes while a shell has a transaction open.",
     .plain = foreign_writer,
     .turnstile = write_beside_foreigner},
    {.name = "stopped-process",
     .work = "A program writes while a stopped process has the write lock.",
     .plain = stopped_holder,
     .turnstile = find_stopped_holder},
    {.name = "writer-starved",
     .work = "16 threads write for two seconds, 20 ms each time, and wait for at most 1 s.",
     .plain = unfair_crowd,
     .turnstile = fair_crowd},
    {.name = "upgrade-after-read",
     .work = "A transaction reads, then writes, while another one writes.",
     .plain = upgrade,
     .turnstile = two_threads_count},
    {.name = "stale-snapshot",
     .work = "A transaction reads, another one commits, then the first writes.",
     .plain = stale_snapshot,
     .turnstile = two_threads_count},
    {.name = "waiting-for-oneself",
     .work = "A transaction calls a function that writes, too.",
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
     .turnstile = two_threads_count},
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

std::span<const Demo> writer_demos() noexcept {
  return kWriterDemos;
}

}  // namespace turnstile::cli::demo
