#include "bench/turn.h"

#include <cstddef>
#include <exception>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace turnstile::cli::bench {

namespace {

using TurnClock = std::chrono::steady_clock;

// Keys all over the table, the same ones for both sides.
class Keys {
 public:
  explicit Keys(std::size_t place) noexcept : state_(place + 1) {}
  // As Knuth's MMIX; the upper bits are the random ones.
  [[nodiscard]] std::int64_t next() noexcept {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::int64_t>((state_ >> 33) % static_cast<std::uint64_t>(kRows)) + 1;
  }

 private:
  std::uint64_t state_;
};

// What one thread does. It starts when it can, and has its own time.
class Worker {
 public:
  Worker(Side& side, std::size_t place, bool reads) : side_(side), place_(place), reads_(reads) {}

  void run(std::chrono::nanoseconds length, const std::stop_token& stop) noexcept {
    try {
      work_until(TurnClock::now() + length, stop);
    } catch (...) {
      trouble_ = std::current_exception();
    }
  }

  // After its thread has ended.
  void give_to(TurnCounts& counts) const {
    if (trouble_) std::rethrow_exception(trouble_);
    (reads_ ? counts.reads : counts.writes).add(counts_);
  }

 private:
  void work_until(TurnClock::time_point end, const std::stop_token& stop) {
    Keys keys(place_);
    TurnClock::time_point begin = TurnClock::now();
    while (begin < end && !stop.stop_requested()) {
      const std::int64_t key = keys.next();
      const auto failure = reads_ ? side_.read(place_, key) : side_.write(place_, key);
      const TurnClock::time_point now = TurnClock::now();
      if (failure)
        counts_.failed(*failure);
      else if (now < end)
        counts_.done();
      // Reads are too many to keep the wait of each.
      if (!failure && !reads_) counts_.waited(now - begin);
      begin = now;
    }
  }

  Side& side_;
  const std::size_t place_;
  const bool reads_;
  Counts counts_;
  std::exception_ptr trouble_;
};

}  // namespace

TurnCounts take_turn(Side& side, const Turn& turn, const std::stop_token& stop) {
  std::vector<Worker> workers;
  const auto writers = static_cast<std::size_t>(turn.writers);
  for (std::size_t place = 0; place < writers; ++place)
    workers.emplace_back(side, place, false);
  if (turn.has_reader) workers.emplace_back(side, writers, true);
  {
    std::vector<std::jthread> threads;
    for (Worker& worker : workers)
      threads.emplace_back([&worker, &turn, &stop] { worker.run(turn.length, stop); });
  }
  TurnCounts counts;
  for (const Worker& worker : workers)
    worker.give_to(counts);
  return counts;
}

}  // namespace turnstile::cli::bench
