// What stands behind an AuditLog: its settings, its queue and the thread that empties it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <source_location>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "audit/event_queue.h"
#include "audit/tables.h"
#include "gate/mutex.h"
#include "sqlite/fork_guard.h"
#include "turnstile/audit.h"

namespace turnstile::detail {

/// Threads: shared.
class AuditWriter {
 public:
  AuditWriter(Lane lane, AuditOptions options, std::source_location where);
  /// As stop(), and tells of what is lost.
  ~AuditWriter();
  AuditWriter(const AuditWriter&) = delete;
  AuditWriter& operator=(const AuditWriter&) = delete;

  /// True in a child of fork(), where nothing of this may be used or destroyed.
  [[nodiscard]] bool forked() const noexcept { return fork_guard_.forked(); }

  [[nodiscard]] const Lane& lane() const noexcept { return lane_; }
  [[nodiscard]] const AuditOptions& options() const noexcept { return options_; }

  void start() TURNSTILE_EXCLUDES(control_);
  AuditStopReport stop(std::chrono::milliseconds deadline) TURNSTILE_EXCLUDES(control_);

  void record(AuditEvent event, std::source_location where);
  std::int64_t record(WriteTx& tx, AuditEvent event, std::source_location where)
      TURNSTILE_EXCLUDES(telling_);
  std::int64_t record_sync(AuditEvent event, const CallOptions& options, std::source_location where)
      TURNSTILE_EXCLUDES(telling_, counting_);
  [[nodiscard]] bool flush(std::chrono::milliseconds timeout, std::source_location where);
  [[nodiscard]] AuditStats stats() const TURNSTILE_EXCLUDES(counting_);

  /// Throws MisuseError (USED_AFTER_FORK).
  void require_same_process(std::source_location where) const;

 private:
  using Group = audit::EventQueue::Group;

  void require_right_key(std::source_location where) const;
  void tell_of_loss();

  // The thread.
  void run(const std::stop_token& stop) noexcept TURNSTILE_EXCLUDES(telling_, counting_);
  [[nodiscard]] bool write_group(const std::stop_token& stop);
  enum class Attempt { Done, Again, Over };
  [[nodiscard]] Attempt attempt(const std::stop_token& stop);
  void write_group_in(WriteTx& tx);
  [[nodiscard]] bool is_in_file(WriteTx& tx) const;
  void on_written();
  void on_failure(const std::exception& error);

  void tell(LogEvent::Severity severity, std::string_view code, const std::string& message)
      TURNSTILE_EXCLUDES(telling_);
  void tell_damage(const std::string& damage);

  const sqlite::ForkGuard fork_guard_;
  const Lane lane_;
  const AuditOptions options_;
  audit::EventQueue queue_;

  // The thread's own.
  Group group_;  // Taken, and not committed. Kept when the thread ends, for the next one.
  std::optional<audit::Tail> written_;  // Where the last attempt ended, unless it was undone.
  std::string damage_;                  // That the last attempt found.
  std::uint64_t failures_in_a_row_ = 0;

  gate::Mutex control_;  // Held by who starts and stops.
  std::thread thread_ TURNSTILE_GUARDED_BY(control_);
  std::stop_source stop_ TURNSTILE_GUARDED_BY(control_);
  bool started_ TURNSTILE_GUARDED_BY(control_) = false;

  mutable gate::Mutex counting_;
  AuditStats counted_ TURNSTILE_GUARDED_BY(counting_);  // But for what the queue counts.

  gate::Mutex telling_;  // Held during a call of the sink.
};

}  // namespace turnstile::detail
