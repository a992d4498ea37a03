// The writing threads of one process: T5 to T8 have one such process, T10 has several.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "contention/arguments.h"
#include "contention/ledger.h"
#include "contention/log_watch.h"
#include "contention/queries.h"
#include "contention/tally.h"
#include "contention/team.h"

namespace turnstile::bench {

/// Threads: confined.
template <class S>
class SmallWriters {
 public:
  SmallWriters(S& side, const Arguments& arguments)
      : side_(side),
        arguments_(arguments),
        tallies_(static_cast<std::size_t>(arguments.threads)),
        team_(arguments.threads, [this](int i, Team& team) { work(i, team); }) {
    team_.wait_until_ready();
  }

  /// Lets the threads go; until the window begins they warm up.
  void start(const Window& window) { team_.start(window); }

  /// Waits for the threads: what each did.
  std::vector<Tally> finish() {
    team_.finish();
    return std::move(tallies_);
  }

 private:
  void work(int index, Team& team) {
    auto client = side_.client("bench");
    // Other keys in another process.
    Keys keys(index + arguments_.member * arguments_.threads);
    Tally tally;
    const Window& window = team.wait_for_start();
    for (std::int64_t written = index; !window.is_over(); ++written)
      tally.attempt(window, [&] { write(client, records_[written], keys.next()); });
    tallies_[static_cast<std::size_t>(index)] = std::move(tally);
  }

  template <class Client>
  void write(Client& client, const Record& record, std::int64_t key) {
    client.write([&](auto& tx) {
      small_write(tx, record, key);
      // sleep: transactions of this length are what T10/long measures.
      if (arguments_.hold.count() > 0) std::this_thread::sleep_for(arguments_.hold);
    });
  }

  S& side_;
  const Arguments& arguments_;
  const Records records_;
  std::vector<Tally> tallies_;
  Team team_;  // Last: its threads use the others.
};

/// What the writers of a file did, checked against it.
inline nlohmann::json report_small_writes(const std::string& path,
                                          const std::vector<Tally>& tallies, Seconds length) {
  const Tally total = total_of(tallies);
  Ledger ledger(path);
  ledger.expect_small_writes(total.acknowledged);
  return {{"writes", summary_of(total, length)},
          {"served", fairness_of(tallies)},
          {"complaint", ledger.complaint()}};
}

/// The same, and the file's longest write-ahead log in bytes.
inline nlohmann::json report_small_writes(const std::string& path,
                                          const std::vector<Tally>& tallies, Seconds length,
                                          std::uint64_t log) {
  nlohmann::json report = report_small_writes(path, tallies, length);
  report["log_bytes"] = log;
  report["log_cap_bytes"] = log_cap();
  return report;
}

}  // namespace turnstile::bench
