// Being told of commits: by this process, by other processes, by programs that know nothing of
// this library. Database::observe(), Lane::observe() and Lane::observe_query() make observations.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace turnstile {

namespace detail {
class Subscription;
}  // namespace detail

/// What was committed since the observer was last told: one commit, or several when they came
/// faster than the observer took them. Never one that was rolled back.
///
/// Threads: immutable.
struct Change {
  /// The observed tables that were touched, by name, in order. Empty where that is not known.
  std::vector<std::string> tables;
  /// A commit is among them that may have touched any table: one of a program that does not use
  /// this library, one that changed the schema or used native_handle(), or one that came too fast
  /// after others.
  bool all_tables = false;
  std::uint64_t commits = 0;  ///< That touched, or may have touched, an observed table.
  std::uint64_t others = 0;   ///< Of these, commits by other processes.

  bool operator==(const Change&) const = default;
};

/// Called on the library's observer thread, one call at a time for all observations of a database.
/// It may read and write through lanes, and start and stop observations. What it throws is counted
/// (Metrics::observer_failures) and told to the log sink, and the observation goes on.
using OnChange = std::function<void(const Change&)>;

/// Keeps an observation going; its end, or stop(), ends it. One that outlives its database hears
/// nothing more. In a child of fork() it does nothing.
///
/// Threads: confined; stop() may be called inside the callback too.
class [[nodiscard]] Observation {
 public:
  Observation() noexcept = default;  ///< Of nothing.
  explicit Observation(std::shared_ptr<detail::Subscription> subscription) noexcept;
  Observation(Observation&& other) noexcept = default;
  Observation& operator=(Observation&& other) noexcept;
  Observation(const Observation&) = delete;
  Observation& operator=(const Observation&) = delete;
  ~Observation();

  /// The callback is not called again. When it runs at this moment on another thread, waits until
  /// it has ended, so that the caller must not hold what the callback waits for.
  void stop() noexcept;

 private:
  std::shared_ptr<detail::Subscription> subscription_;
};

}  // namespace turnstile
