// What stands behind a Lane.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "database/job_thread.h"
#include "database/metrics.h"
#include "gate/mutex.h"
#include "turnstile/lane.h"

namespace turnstile::detail {

/// A lane's own state. It lives as long as its Core.
///
/// Threads: shared.
class LaneState {
 public:
  LaneState(Core& core, std::string name, LaneOptions options, database::LaneRecorder& recorder);

  [[nodiscard]] Core& core() const noexcept { return core_; }
  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  [[nodiscard]] const LaneOptions& options() const noexcept { return options_; }
  [[nodiscard]] database::LaneRecorder& recorder() noexcept { return recorder_; }
  /// Bulk work asks for its turn on its own, so that it can give it up in the middle.
  [[nodiscard]] bool shares_transactions() const noexcept {
    return options_.share_transactions && options_.priority != Priority::Bulk;
  }

  /// False when the lane still had as many submitted closures waiting as it may have at
  /// the call's deadline, or when it was stopped.
  [[nodiscard]] bool reserve_submission(const Call& call) TURNSTILE_EXCLUDES(mutex_);
  void end_submission() noexcept TURNSTILE_EXCLUDES(mutex_);

  /// Runs the submitted closures of a lane that shares no transactions.
  [[nodiscard]] database::JobThread& worker() noexcept { return worker_; }
  [[nodiscard]] const database::JobThread& worker() const noexcept { return worker_; }

 private:
  Core& core_;
  const std::string name_;
  const LaneOptions options_;
  std::atomic<std::size_t> submitted_{0};
  gate::Mutex mutex_;
  gate::CondVar room_;
  std::atomic<std::size_t> waiting_for_room_{0};
  database::LaneRecorder& recorder_;
  database::JobThread worker_;
};

/// Calls `act` and counts in the lane what ends it.
template <class Act>
void counting_failures(LaneState& lane, const Act& act) {
  try {
    act();
  } catch (const Timeout&) {
    lane.recorder().on_timeout();
    throw;
  } catch (const Cancelled&) {
    lane.recorder().on_cancelled();
    throw;
  }
}

}  // namespace turnstile::detail
