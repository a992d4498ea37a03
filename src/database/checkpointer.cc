#include "database/checkpointer.h"

#include <exception>
#include <string>
#include <utility>

#include "gate/sync_point.h"

namespace turnstile::database {

Checkpointer::Checkpointer(int frames, Connect connect, LogSink log_sink)
    : frames_(frames),
      connect_(std::move(connect)),
      log_sink_(std::move(log_sink)),
      next_background_(frames),
      next_forced_(2 * frames) {}

Checkpointer::~Checkpointer() {
  stop();
}

void Checkpointer::stop() noexcept {
  std::thread thread;
  {
    gate::MutexLock lock(mutex_);
    stopping_ = true;
    thread = std::move(thread_);
  }
  changed_.notify_all();
  if (thread.joinable()) thread.join();
}

// Where a reader pins the log, a checkpoint copies little and the log goes on growing; trying again
// at every commit would not help, so each kind waits for the log to have grown by a share.
void Checkpointer::after_commit(sqlite::Connection& writer) noexcept {
  const int frames = writer.wal_frames();
  frames_now_.store(frames, std::memory_order_relaxed);
  if (frames < frames_) {
    // The log was started over.
    next_background_ = frames_;
    next_forced_ = 2 * frames_;
    residue_.store(false, std::memory_order_relaxed);
  } else if (residue_.exchange(false, std::memory_order_acquire)) {
    checkpoint(writer);
  } else if (frames >= next_forced_) {
    checkpoint(writer);
    next_forced_ = frames + frames_;
  } else if (frames >= next_background_) {
    wake();
    next_background_ = frames + frames_ / 4;
  }
}

void Checkpointer::wake() {
  {
    gate::MutexLock lock(mutex_);
    if (busy_ || wanted_ || stopping_) return;
    wanted_ = true;
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  }
  changed_.notify_all();
}

void Checkpointer::run() {
  std::unique_ptr<sqlite::Connection> connection;
  for (;;) {
    {
      gate::MutexLock lock(mutex_);
      busy_ = false;
      while (!wanted_ && !stopping_)
        changed_.wait(mutex_);
      if (stopping_) return;
      wanted_ = false;
      busy_ = true;
    }
    try {
      if (!connection) connection = connect_();
    } catch (const std::exception& error) {
      report(error);
      continue;
    }
    gate::sync_point("Checkpointer::run:before");
    checkpoint(*connection);
    residue_.store(true, std::memory_order_release);
  }
}

void Checkpointer::checkpoint(sqlite::Connection& connection) noexcept {
  gate::MutexLock lock(copying_);
  const auto start = std::chrono::steady_clock::now();
  const sqlite::CheckpointResult result = connection.checkpoint(sqlite::CheckpointMode::Passive);
  // "Nothing done" comes with a success code too, and is told only by the count of frames.
  if (result.log_frames <= 0) return;
  duration_.record(std::chrono::steady_clock::now() - start);
  count_.fetch_add(1, std::memory_order_relaxed);
  if (result.copied_frames < result.log_frames) incomplete_.fetch_add(1, std::memory_order_relaxed);
  last_log_frames_.store(result.log_frames, std::memory_order_relaxed);
  last_copied_frames_.store(result.copied_frames, std::memory_order_relaxed);
  last_end_.store(std::chrono::system_clock::now().time_since_epoch(), std::memory_order_relaxed);
}

void Checkpointer::add_to(WalMetrics& metrics) const noexcept {
  metrics.frames = frames_now_.load(std::memory_order_relaxed);
  metrics.checkpoints = count();
  metrics.incomplete = incomplete_.load(std::memory_order_relaxed);
  metrics.checkpoint = duration_.snapshot();
  metrics.last_log_frames = last_log_frames_.load(std::memory_order_relaxed);
  metrics.last_copied_frames = last_copied_frames_.load(std::memory_order_relaxed);
  metrics.last_checkpoint =
      std::chrono::system_clock::time_point(last_end_.load(std::memory_order_relaxed));
}

void Checkpointer::report(const std::exception& error) noexcept {
  try {
    if (log_sink_) {
      log_sink_({LogEvent::Severity::Warning, "CHECKPOINT_FAILED",
                 std::string("cannot open a connection for checkpoints: ") + error.what()});
    }
  } catch (...) {
    // A sink that throws has nobody to be told to.
    return;
  }
}

}  // namespace turnstile::database
