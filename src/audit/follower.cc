#include "audit/follower.h"

#include <algorithm>
#include <utility>

#include "audit/tables.h"
#include "turnstile/error.h"

namespace turnstile::detail {

namespace {

constexpr int kSlice = 256;

}  // namespace

AuditFollower::AuditFollower(Lane lane, std::optional<std::int64_t> after)
    : lane_(std::move(lane)) {
  // Before the place is read, so that nothing is missed in between.
  observation_ = lane_.observe({"audit_event"}, [this](const Change&) { ring(); });
  place_ = lane_.read([&](ReadTx& tx) {
    audit::require_log(tx);
    const auto tail = audit::read_tail(tx);
    return after.value_or(tail ? tail->id : 0);
  });
}

void AuditFollower::ring() {
  gate::MutexLock lock(mutex_);
  rung_ = true;
  changed_.notify_one();
}

std::optional<AuditRecord> AuditFollower::next(
    std::optional<std::chrono::steady_clock::time_point> until, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (records_.empty()) {
      {
        // Before it reads: what is committed while it does rings again.
        gate::MutexLock lock(mutex_);
        rung_ = false;
      }
      read_more(stop);
    }
    if (!records_.empty()) {
      AuditRecord record = std::move(records_.front());
      records_.pop_front();
      return record;
    }
    if (!wait_for_ring(until, stop)) return std::nullopt;
  }
  return std::nullopt;
}

void AuditFollower::read_more(const std::stop_token& stop) {
  try {
    lane_.read(CallOptions{.stop = stop}, [this](ReadTx& tx) {
      for (const Row row : tx.query("SELECT " + std::string(audit::kRecordColumns) +
                                        " FROM audit_event WHERE id > ? ORDER BY id LIMIT ?",
                                    place_, kSlice)) {
        records_.push_back(audit::record_from(row));
        place_ = records_.back().id;
      }
    });
  } catch (const Cancelled&) {
    // What was read until then has been read.
    if (!stop.stop_requested()) throw;
  }
}

bool AuditFollower::wait_for_ring(const std::optional<std::chrono::steady_clock::time_point>& until,
                                  const std::stop_token& stop) {
  const std::stop_callback on_stop(stop, [this] { ring(); });
  gate::MutexLock lock(mutex_);
  if (until && std::chrono::steady_clock::now() >= *until) return false;
  while (!rung_ && !stop.stop_requested())
    if (!until)
      changed_.wait(mutex_);
    else if (!changed_.wait_until(mutex_, *until))
      return false;
  return !stop.stop_requested();
}

}  // namespace turnstile::detail
