// What stands behind an AuditTail: a place in the log, and a doorbell that says when to look again.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <stop_token>

#include "gate/mutex.h"
#include "turnstile/audit_trail.h"
#include "turnstile/observation.h"

namespace turnstile::detail {

/// Threads: confined, but for ring().
class AuditFollower {
 public:
  AuditFollower(Lane lane, std::optional<std::int64_t> after);
  AuditFollower(const AuditFollower&) = delete;
  AuditFollower& operator=(const AuditFollower&) = delete;

  /// See AuditTail::next_for(); without a limit when `until` is empty.
  [[nodiscard]] std::optional<AuditRecord> next(
      std::optional<std::chrono::steady_clock::time_point> until, const std::stop_token& stop)
      TURNSTILE_EXCLUDES(mutex_);

 private:
  void ring() TURNSTILE_EXCLUDES(mutex_);
  void read_more(const std::stop_token& stop);
  /// False when there was a stop or it was too late.
  [[nodiscard]] bool wait_for_ring(
      const std::optional<std::chrono::steady_clock::time_point>& until,
      const std::stop_token& stop) TURNSTILE_EXCLUDES(mutex_);

  const Lane lane_;
  std::int64_t place_ = 0;           // The id of the last event that was read.
  std::deque<AuditRecord> records_;  // Read and not given.

  gate::Mutex mutex_;
  gate::CondVar changed_;
  bool rung_ TURNSTILE_GUARDED_BY(mutex_) = false;

  Observation observation_;  // The last, so that it ends first.
};

}  // namespace turnstile::detail
