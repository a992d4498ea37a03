// Copies the write-ahead log back into the file, off the path of commits.
//
// Every connection's automatic checkpoint is off: it would be paid by whichever commit trips it.
// Instead a thread with a connection of its own copies most of the log while writers go on, and the
// writer that comes next copies the little that was added meanwhile; then everything is in the file
// and SQLite starts the log over. Only a log that grows faster than that makes a writer wait.
// Nothing here waits for readers, and no checkpoint blocks a writer for longer than its own work.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "database/metrics.h"
#include "gate/mutex.h"
#include "sqlite/connection.h"
#include "turnstile/options.h"

namespace turnstile::database {

/// Threads: shared, but after_commit(), which is confined to whoever has the turn.
class Checkpointer {
 public:
  using Connect = std::function<std::unique_ptr<sqlite::Connection>()>;

  /// `frames`: when to start (Options::checkpoint_frames). `connect` makes the thread's connection,
  /// at first need.
  Checkpointer(int frames, Connect connect, LogSink log_sink);
  ~Checkpointer();
  Checkpointer(const Checkpointer&) = delete;
  Checkpointer& operator=(const Checkpointer&) = delete;

  /// After a commit on `writer`, which still has the turn and the gate.
  void after_commit(sqlite::Connection& writer) noexcept;

  /// Ends the thread and closes its connection.
  void stop() noexcept TURNSTILE_EXCLUDES(mutex_);

  /// Checkpoints that found a log to copy.
  [[nodiscard]] std::uint64_t count() const noexcept {
    return count_.load(std::memory_order_relaxed);
  }
  /// What was measured; the file's size is left to the caller.
  void add_to(WalMetrics& metrics) const noexcept;

 private:
  void wake() TURNSTILE_EXCLUDES(mutex_);
  void run() TURNSTILE_EXCLUDES(mutex_);
  void checkpoint(sqlite::Connection& connection) noexcept TURNSTILE_EXCLUDES(copying_);
  void report(const std::exception& error) noexcept;

  const int frames_;
  const Connect connect_;
  const LogSink log_sink_;

  // Held by the turn.
  int next_background_;  // Frames at which to wake the thread.
  int next_forced_;      // Frames at which a writer has to do it itself.

  std::atomic<bool> residue_{false};  // The thread is done; what came meanwhile is left.
  std::atomic<std::int64_t> frames_now_{0};

  // Of checkpoints that found a log to copy.
  std::atomic<std::uint64_t> count_{0};
  std::atomic<std::uint64_t> incomplete_{0};
  std::atomic<std::int64_t> last_log_frames_{0};
  std::atomic<std::int64_t> last_copied_frames_{0};
  std::atomic<std::chrono::system_clock::duration> last_end_{};
  HistogramRecorder duration_;

  // SQLite lets one connection at a time copy and turns a second one away, which would leave a
  // writer that has to wait for the copying free to go on.
  gate::Mutex copying_;

  gate::Mutex mutex_;
  gate::CondVar changed_;
  bool wanted_ TURNSTILE_GUARDED_BY(mutex_) = false;
  bool busy_ TURNSTILE_GUARDED_BY(mutex_) = false;
  bool stopping_ TURNSTILE_GUARDED_BY(mutex_) = false;
  std::thread thread_ TURNSTILE_GUARDED_BY(mutex_);
};

}  // namespace turnstile::database
