// Events between record() and their commit: in memory, in order, and not more of them than allowed.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "gate/mutex.h"
#include "turnstile/audit.h"

namespace turnstile::audit {

/// Threads: shared. One thread at a time takes and settles.
class EventQueue {
 public:
  using Clock = std::chrono::steady_clock;

  /// An event that waits to be written, or a gap in their place.
  struct Entry {
    AuditEvent event;
    Clock::time_point queued{};
    std::uint64_t dropped = 0;  ///< Not 0: how many events are missing here.
    std::chrono::system_clock::time_point first_dropped{};
    std::chrono::system_clock::time_point last_dropped{};
  };
  using Group = std::vector<Entry>;

  enum class Put { Queued, Dropped, Refused };

  explicit EventQueue(const AuditOptions& options);
  EventQueue(const EventQueue&) = delete;
  EventQueue& operator=(const EventQueue&) = delete;

  // For those who record.

  [[nodiscard]] Put put(AuditEvent event) TURNSTILE_EXCLUDES(mutex_);
  /// Waits until what was put before is settled; false when it is not by `until`, or when nobody
  /// writes.
  [[nodiscard]] bool flush(Clock::time_point until) TURNSTILE_EXCLUDES(mutex_);
  /// True when there is nothing to wait for.
  [[nodiscard]] bool is_settled() const TURNSTILE_EXCLUDES(mutex_);
  /// Fills in what the queue knows.
  void count(AuditStats& stats) const TURNSTILE_EXCLUDES(mutex_);

  // For the thread that writes.

  /// Waits for events and moves them into the empty `group`; false when it is to end.
  [[nodiscard]] bool take(Group& group) TURNSTILE_EXCLUDES(mutex_);
  /// They are committed.
  void settle(const Group& group) TURNSTILE_EXCLUDES(mutex_);
  /// Waits, but not past the moment at which somebody begins to stop the log. False when the thread
  /// is to end.
  [[nodiscard]] bool pause(Clock::duration duration) TURNSTILE_EXCLUDES(mutex_);
  /// The last that it does.
  void leave() TURNSTILE_EXCLUDES(mutex_);

  // For who starts and stops it.

  /// What was dropped since close() is a gap from now on.
  void open() TURNSTILE_EXCLUDES(mutex_);
  /// There is no room any more; the thread ends when all is settled. Returns how many events are
  /// not.
  std::size_t close() TURNSTILE_EXCLUDES(mutex_);
  /// The thread ends as soon as it can.
  void abort() TURNSTILE_EXCLUDES(mutex_);
  struct Unsettled {
    std::size_t events = 0;
    std::uint64_t dropped = 0;  ///< In gaps that are queued.
  };
  [[nodiscard]] Unsettled unsettled() const TURNSTILE_EXCLUDES(mutex_);
  /// False when it has not by `until`.
  [[nodiscard]] bool wait_until_left(Clock::time_point until) TURNSTILE_EXCLUDES(mutex_);

 private:
  enum class Wants { Nothing, Any, Group };  // What the thread sleeps for.

  [[nodiscard]] bool has_room(std::size_t bytes) const TURNSTILE_REQUIRES(mutex_);
  [[nodiscard]] bool wait_for_room(std::size_t bytes) TURNSTILE_REQUIRES(mutex_);
  void drop(const AuditEvent& event) TURNSTILE_REQUIRES(mutex_);
  void push(Entry entry) TURNSTILE_REQUIRES(mutex_);
  void linger() TURNSTILE_REQUIRES(mutex_);

  const std::size_t limit_;
  const std::size_t limit_bytes_;
  const AuditWhenFull when_full_;
  const std::chrono::milliseconds wait_;
  const std::size_t group_size_;
  const std::chrono::milliseconds linger_;

  mutable gate::Mutex mutex_;
  gate::CondVar work_;     // The thread has something to do.
  gate::CondVar room_;     // There is room.
  gate::CondVar settled_;  // More is settled, or the thread has left.
  std::deque<Entry> entries_ TURNSTILE_GUARDED_BY(mutex_);
  Wants wants_ TURNSTILE_GUARDED_BY(mutex_) = Wants::Nothing;
  std::size_t waiting_for_room_ TURNSTILE_GUARDED_BY(mutex_) = 0;
  bool closed_ TURNSTILE_GUARDED_BY(mutex_) = false;
  bool aborted_ TURNSTILE_GUARDED_BY(mutex_) = false;
  bool served_ TURNSTILE_GUARDED_BY(mutex_) = false;  // There is a thread.
  Entry late_ TURNSTILE_GUARDED_BY(mutex_);           // What was dropped while it was closed.

  // Not settled, that is queued or being written.
  std::size_t events_ TURNSTILE_GUARDED_BY(mutex_) = 0;
  std::size_t bytes_ TURNSTILE_GUARDED_BY(mutex_) = 0;

  // Counted from the beginning, gaps as well.
  std::uint64_t put_count_ TURNSTILE_GUARDED_BY(mutex_) = 0;
  std::uint64_t settled_count_ TURNSTILE_GUARDED_BY(mutex_) = 0;
  std::uint64_t wanted_count_ TURNSTILE_GUARDED_BY(mutex_) = 0;  // Somebody waits until then.

  std::uint64_t dropped_ TURNSTILE_GUARDED_BY(mutex_) = 0;
  std::uint64_t refused_ TURNSTILE_GUARDED_BY(mutex_) = 0;
};

}  // namespace turnstile::audit
