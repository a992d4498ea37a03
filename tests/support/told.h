// What an observer was told, for tests to wait for and to look at.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/child_process.h"
#include "turnstile/observation.h"

namespace turnstile::test {

/// Collects what a callback is given. Must outlive the observation.
///
/// Threads: shared.
template <class T>
class Told {
 public:
  /// For Lane::observe() and its kin.
  [[nodiscard]] auto callback() {
    return [this](const T& value) { add(value); };
  }
  void add(T value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    changed_.notify_all();
  }

  [[nodiscard]] std::vector<T> all() const {
    const std::lock_guard lock(mutex_);
    return values_;
  }
  [[nodiscard]] std::size_t size() const { return all().size(); }

  /// Waits until `done` holds of all that was told; throws std::runtime_error when it never does.
  template <class Done>
  std::vector<T> wait_until(Done done) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, patience(), [&] { return done(values_); }))
      throw std::runtime_error("the observer was not told");
    return values_;
  }
  std::vector<T> wait_for(std::size_t count) {
    return wait_until([count](const std::vector<T>& values) { return values.size() >= count; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> values_;
};

/// How many commits the changes are about.
[[nodiscard]] inline std::size_t commits_in(const std::vector<Change>& changes) {
  std::size_t commits = 0;
  for (const Change& change : changes)
    commits += change.commits;
  return commits;
}

/// What an observer is told of own commits.
[[nodiscard]] inline Change change_of(std::vector<std::string> tables, std::uint64_t commits = 1) {
  return {.tables = std::move(tables), .all_tables = false, .commits = commits, .others = 0};
}
/// The same of commits of which nobody says what they touched.
[[nodiscard]] inline Change unknown_change(std::uint64_t commits, std::uint64_t others) {
  return {.tables = {}, .all_tables = true, .commits = commits, .others = others};
}

}  // namespace turnstile::test

namespace turnstile {

/// For test failures.
inline void PrintTo(const Change& change, std::ostream* out) {
  *out << change.commits << " commits (" << change.others << " by others) of";
  for (const std::string& table : change.tables)
    *out << ' ' << table;
  if (change.all_tables) *out << " all tables";
}

}  // namespace turnstile
