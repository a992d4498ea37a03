// The audit log: who did what to what, and when. Any number of threads and processes append to the
// log of a file; each event is chained to the one before it by a hash, so that what is changed,
// removed or put in afterwards can be found. turnstile/audit_trail.h reads it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include "turnstile/audit_trail.h"
#include "turnstile/lane.h"
#include "turnstile/options.h"
#include "turnstile/transaction.h"

namespace turnstile {

/// What AuditLog::record() does when the queue is full.
enum class AuditWhenFull {
  /// Return all the same. What was dropped is counted, and an event `audit.gap` with the number is
  /// recorded in its place when there is room again.
  Drop,
  Wait,  ///< Wait for room up to AuditOptions::wait, then throw QueueFull (AUDIT_QUEUE_FULL).
  Fail,  ///< Throw QueueFull (AUDIT_QUEUE_FULL).
};

/// Settings of a log, which are its process's own but for the key.
///
/// Threads: immutable.
struct AuditOptions {
  AuditKey key{};
  std::string actor = "system";        ///< Of events that name none.
  std::vector<std::string> actions{};  ///< The only ones that are taken; empty: all are.

  /// Events that may be recorded and not yet committed, and how many bytes they may have together.
  std::size_t queue_limit = 8192;
  std::size_t queue_limit_bytes = std::size_t{64} << 20;
  AuditWhenFull when_full = AuditWhenFull::Drop;
  std::chrono::milliseconds wait{1000};

  std::size_t group_size = 256;  ///< Events of one transaction, at most.
  /// How long an event may wait for others to share its transaction.
  std::chrono::milliseconds linger{5};
  Durability durability = Durability::Default;  ///< Of these transactions.

  /// The time of events that name none, and of prune(); the system's clock when empty.
  std::function<std::chrono::system_clock::time_point()> now{};

  /// Told, one call at a time, from threads that record or write: AUDIT_WRITE_FAILED when writing
  /// begins to fail and each time the number of failures has doubled, AUDIT_WRITE_RESUMED,
  /// AUDIT_DROPPED when a gap was recorded, AUDIT_CHAIN_BROKEN when the log was found damaged, and
  /// AUDIT_UNWRITTEN when events are lost because the log ends. Must not call the log.
  LogSink log_sink{};
};

/// What a log has done since it was made. Threads: immutable.
struct AuditStats {
  std::size_t queued = 0;      ///< Recorded and not yet committed.
  std::uint64_t written = 0;   ///< Committed events of record() and record_sync(), gaps included.
  std::uint64_t dropped = 0;   ///< With AuditWhenFull::Drop.
  std::uint64_t refused = 0;   ///< QueueFull was thrown.
  std::uint64_t failures = 0;  ///< Attempts to write a group that failed; it is tried again.
  std::uint64_t groups = 0;    ///< Transactions that wrote events of record().
  std::chrono::microseconds longest_lag{0};  ///< Between record() and the commit.
};

/// What stop() did with the events that were in the queue. Threads: immutable.
struct AuditStopReport {
  std::size_t written = 0;
  std::size_t unwritten =
      0;  ///< Still in the queue: start() goes on with them, the end loses them.
};

/// What prune() keeps; what is neither too old nor too many is kept.
///
/// Threads: immutable.
struct AuditRetention {
  std::optional<std::chrono::seconds> max_age{};  ///< By the time of the events.
  std::optional<std::int64_t> max_events{};       ///< The newest ones.
};

/// Threads: immutable.
struct AuditPruneOptions {
  std::optional<Lane> lane{};  ///< Where to write, such as one of Priority::Bulk; else the log's.
  /// Remove events even if they do not verify; the seal then says how many findings there were,
  /// and verify() tells of it from then on.
  bool even_if_broken = false;
  ProgressSink progress{};  ///< Phase `prune`, in events.
  std::stop_token stop{};   ///< Ends it with Cancelled; what was pruned stays so.
};

/// Threads: immutable.
struct AuditPruneReport {
  std::int64_t removed = 0;
  int transactions = 0;
  std::optional<AuditSegment> segment{};  ///< The seal of what was removed, and maybe of more.
};

namespace detail {
class AuditWriter;
}  // namespace detail

/// The log of a file, for appending; several in one process and in several work side by side. Its
/// tables, which begin with `audit_`, are made by the constructor.
///
/// record() queues; a thread of the log, between start() and stop(), writes what is queued, many
/// events in one transaction. What is only queued is lost with the process: flush() says when it is
/// safe. In a child of fork() every call throws MisuseError (USED_AFTER_FORK), and the end of the
/// object does nothing.
///
/// Threads: shared, but for its end.
class AuditLog {
 public:
  /// Throws MisuseError: AUDIT_KEY_WRONG when the log was made with another key, or with none,
  /// OPTION_INVALID; and what Lane::migrate() does. Where the database is read-only, a log that is
  /// there can be made too, and writes nothing.
  explicit AuditLog(Lane lane, AuditOptions options = {},
                    std::source_location where = std::source_location::current());
  AuditLog(const AuditLog&) = delete;
  AuditLog& operator=(const AuditLog&) = delete;
  /// As stop(). Keep the log's database open until then.
  ~AuditLog();

  /// Begins to write, also what was recorded before. Does nothing when it was called before.
  void start();
  /// Refuses new events, as if the queue were full, writes what is queued, and ends the thread. At
  /// the deadline a running transaction is undone, and the rest stays in the queue.
  AuditStopReport stop(std::chrono::milliseconds deadline = std::chrono::seconds(5));

  /// Queues an event. Never waits for the database and never fails because of it. Throws
  /// MisuseError (AUDIT_EVENT_INVALID), and QueueFull if AuditOptions::when_full says so. May be
  /// called inside closures: the event stays, whatever becomes of their transaction.
  void record(AuditEvent event, std::source_location where = std::source_location::current());

  /// Records an event in the caller's transaction: it is there if that commits. Returns its id.
  /// Throws MisuseError (AUDIT_EVENT_INVALID), and what writing throws.
  std::int64_t record(WriteTx& tx, AuditEvent event,
                      std::source_location where = std::source_location::current()) const;

  /// Records an event in a transaction of its own, and returns its id after the commit. It
  /// overtakes what is queued. Throws MisuseError (AUDIT_EVENT_INVALID), and what Lane::write()
  /// does.
  std::int64_t record_sync(AuditEvent event, const CallOptions& options = {},
                           std::source_location where = std::source_location::current()) const;

  /// Waits until all that was recorded before is committed. False when it was not within `timeout`,
  /// or when nobody writes it because the log is not started. Inside a closure of the same database
  /// there must be nothing to wait for: MisuseError (READ_INSIDE_WRITE, READ_INSIDE_READ).
  [[nodiscard]] bool flush(std::chrono::milliseconds timeout = std::chrono::seconds(5),
                           std::source_location where = std::source_location::current());

  [[nodiscard]] AuditStats stats() const;  ///< At this moment.

  /// Removes the oldest events, in small transactions between which others write, and leaves a seal
  /// that says what was there, so that the rest still verifies. Age counts from the oldest event
  /// on: the first one that is young enough ends it. Throws Error (AUDIT_CHAIN_BROKEN) at an event
  /// that does not verify, which would be covered up otherwise; OPTION_INVALID; Cancelled; and what
  /// Lane::write() does.
  AuditPruneReport prune(const AuditRetention& retention, const AuditPruneOptions& options = {},
                         std::source_location where = std::source_location::current()) const;

  /// Reads what this and others have written.
  [[nodiscard]] AuditTrail trail() const;

 private:
  std::unique_ptr<detail::AuditWriter> writer_;
};

}  // namespace turnstile
