// Who waits for the write lock, and for whom.
#include <array>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "demo/demo.h"
#include "demo/plain.h"
#include "turnstile/transaction.h"

namespace turnstile::cli::demo {

namespace {

using std::chrono::milliseconds;

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

constexpr int kCrowd = 8;
constexpr int kTurns = 16;
constexpr milliseconds kHold{20};
constexpr milliseconds kCrowdTimeout{1000};

// kCrowd threads that begin together; each runs `transaction` kTurns times, until it returns false.
void crowd(const std::function<bool()>& transaction) {
  std::latch ready(kCrowd);
  std::vector<std::jthread> threads;
  for (int i = 0; i < kCrowd; ++i) {
    threads.emplace_back([&] {
      ready.arrive_and_wait();
      for (int turn = 0; turn < kTurns && transaction(); ++turn) {
      }
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
    if (!own->work("BEGIN IMMEDIATE")) return false;
    own->must(kAddOne);
    // sleep: transactions of this length are what starves others.
    std::this_thread::sleep_for(kHold);
    own->must("COMMIT");
    return true;
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
        std::this_thread::sleep_for(kHold);  // sleep: the same length as on the other side.
      });
    });
    return true;
  });
  part.expect("additions that are in the file", std::int64_t{kCrowd} * kTurns, value_of(db));
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
     .work = "8 threads write 16 times each, for 20 ms each time, and wait for at most 1 s.",
     .plain = unfair_crowd,
     .turnstile = fair_crowd},
});

}  // namespace

std::span<const Demo> writer_demos() noexcept {
  return kWriterDemos;
}

}  // namespace turnstile::cli::demo
