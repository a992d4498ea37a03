// Copies the write-ahead log back into the file, off the path of commits, and keeps it short.
//
// Every connection's automatic checkpoint is off: it would be paid by whichever commit trips it.
// Instead a thread with a connection of its own copies most of the log while writers go on, and the
// writer that comes next copies the little that was added meanwhile; then everything is in the file
// and SQLite starts the log over. Only a log that grows faster than that makes a writer wait.
//
// SQLite starts the log over only at a moment at which no reader uses it, and where readers follow
// each other closely there is none: with one reader that was never idle the log grew to 415 MiB in
// 3 s. So the writer, which keeps other writers out, waits a moment for those readers that are
// there; readers that come while everything is in the file do not use the log. The moment is the
// longer the longer the log is, and nobody waits again for a reader that has not ended in it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "database/metrics.h"
#include "database/pin_watch.h"
#include "gate/mutex.h"
#include "gate/reader_pool.h"
#include "sqlite/call.h"
#include "sqlite/connection.h"
#include "turnstile/options.h"

namespace turnstile::database {

/// Threads: shared, but after_commit(), which is confined to whoever has the turn.
class Checkpointer {
 public:
  using Connect = std::function<std::unique_ptr<sqlite::Connection>()>;

  /// `path` is the database's, `readers` may be null; `connect` makes the thread's connection, at
  /// first need.
  Checkpointer(const Options& options, std::string path, std::int64_t page_size_bytes,
               gate::ReaderPool* readers, Connect connect, WalRecorder& recorder);
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  /// After a commit on `writer`, which still has the turn and the gate.
  void after_commit(sqlite::Connection& writer) noexcept;

  /// One checkpoint for somebody who has the turn and the gate. With Truncate it looks again until
  /// `until` while readers are in the way.
  [[nodiscard]] sqlite::CheckpointResult checkpoint_now(
      sqlite::Connection& writer, sqlite::CheckpointMode mode,
      std::chrono::steady_clock::time_point until) noexcept TURNSTILE_EXCLUDES(copying_);

  /// Before BEGIN. Throws StorageError (WAL_LIMIT) while writes are refused.
  void require_room(const Call& call) TURNSTILE_EXCLUDES(mutex_);

  /// How long bulk work should pause before its next transaction, so that the log is not brought to
  /// its limit by what could have waited: nothing below half of it, then more and more.
  [[nodiscard]] std::chrono::microseconds bulk_pause() const noexcept;

  /// Ends the thread and closes its connection.
  void stop() noexcept TURNSTILE_EXCLUDES(mutex_);

 private:
  using Clock = std::chrono::steady_clock;

  /// `even_if_busy`: there is news, and not only more to copy.
  void wake(bool even_if_busy = false) TURNSTILE_EXCLUDES(mutex_);
  void run() TURNSTILE_EXCLUDES(mutex_);
  /// Waits until there is something to do; false when it is time to end.
  [[nodiscard]] bool wait_for_work(bool look_again) TURNSTILE_EXCLUDES(mutex_);
  /// What the thread does.
  void copy(sqlite::Connection& connection) TURNSTILE_EXCLUDES(copying_, mutex_);
  /// What a writer does: copies the rest, and waits until `until` for readers to let the log be
  /// started over. Where `again` is false, it does not wait for one that it has waited for before.
  bool start_over(sqlite::Connection& writer, Clock::time_point until, bool again) noexcept
      TURNSTILE_EXCLUDES(copying_);
  void at_limit(sqlite::Connection& writer) TURNSTILE_EXCLUDES(copying_, mutex_);
  void refuse_writes() TURNSTILE_EXCLUDES(mutex_);
  void allow_writes() TURNSTILE_EXCLUDES(mutex_);
  std::size_t interrupt_readers(Clock::time_point since) TURNSTILE_EXCLUDES(mutex_);
  void note(const sqlite::CheckpointResult& result, Clock::time_point start) noexcept;
  [[nodiscard]] std::chrono::microseconds pause_for(int frames) const noexcept;

  /// Leaves it to the thread to tell: a sink may take its time, and a writer has none.
  void post(LogEvent event) TURNSTILE_EXCLUDES(mutex_);
  void tell() noexcept TURNSTILE_EXCLUDES(mutex_);

  const int frames_;
  const std::int64_t page_size_bytes_;
  const int limit_frames_;  // As large as can be where there is none.
  const AtWalLimit policy_;
  const std::chrono::milliseconds patience_;
  gate::ReaderPool* const readers_;
  const Connect connect_;
  const LogSink log_sink_;
  PinWatch pins_;  // The thread's, but for find_culprit().

  // Held by the turn.
  int next_background_;    // Frames at which to wake the thread.
  int next_forced_;        // Frames at which a writer has to do it itself.
  int next_at_limit_ = 0;  // Frames at which to try again at the limit.
  int stuck_at_ = -1;      // Frames copied when somebody was waited for in vain.

  std::atomic<bool> residue_{false};  // The thread is done; what came meanwhile is left.
  std::atomic<bool> refusing_{false};
  WalRecorder& recorder_;

  // SQLite lets one connection at a time copy and turns a second one away, which would leave a
  // writer that has to wait for the copying free to go on.
  gate::Mutex copying_;

  gate::Mutex mutex_;
  gate::CondVar changed_;
  bool wanted_ TURNSTILE_GUARDED_BY(mutex_) = false;
  bool busy_ TURNSTILE_GUARDED_BY(mutex_) = false;
  bool stopping_ TURNSTILE_GUARDED_BY(mutex_) = false;
  std::vector<LogEvent> events_ TURNSTILE_GUARDED_BY(mutex_);
  std::string refusal_ TURNSTILE_GUARDED_BY(mutex_);
  std::thread thread_ TURNSTILE_GUARDED_BY(mutex_);
};

}  // namespace turnstile::database
