#include "database/checkpointer.h"

#include <algorithm>
#include <exception>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

#include "database/wal_size.h"
#include "gate/file_locks.h"
#include "gate/sync_point.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::database {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// What a writer may wait for readers at twice the frames to copy at; in proportion beyond that, and
// never longer than anybody notices. Copying that many frames takes about as long.
constexpr milliseconds kPause{10};
constexpr milliseconds kLongestPause{50};
// What a writer at the limit waits at most for a reader that is not old yet.
constexpr milliseconds kLongestPauseAtLimit{1000};
// Between two looks whether the readers are gone; one takes about 10 us.
constexpr microseconds kBetweenLooks{100};
// How often the thread looks again at a log that is pinned.
constexpr milliseconds kLookAgain{100};
// What bulk work pauses before each transaction when the log is at its limit.
constexpr milliseconds kLongestBulkPause{20};

int limit_in_frames(const Options& options, std::int64_t page_size_bytes) {
  constexpr std::int64_t kMost = std::numeric_limits<int>::max();
  if (options.wal_limit_bytes == 0) return static_cast<int>(kMost);
  // Below that the log would be at its limit without anybody's fault.
  const std::int64_t least = 4 * std::int64_t{options.checkpoint_frames};
  return static_cast<int>(
      std::clamp(wal_frames_in(options.wal_limit_bytes, page_size_bytes), least, kMost));
}

std::string mebibytes(std::int64_t bytes) {
  const std::int64_t tenths = bytes * 10 / (1 << 20);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MiB";
}

}  // namespace

Checkpointer::Checkpointer(const Options& options, std::string path, std::int64_t page_size_bytes,
                           gate::ReaderPool* readers, Connect connect, WalRecorder& recorder)
    : frames_(options.checkpoint_frames),
      page_size_bytes_(page_size_bytes),
      limit_frames_(limit_in_frames(options, page_size_bytes)),
      policy_(options.at_wal_limit),
      patience_(options.pinned_reader_warning),
      readers_(readers),
      connect_(std::move(connect)),
      log_sink_(options.log_sink),
      pins_(
          readers, [path = std::move(path)] { return gate::find_foreign_readers(path); },
          patience_),
      next_background_(frames_),
      next_forced_(2 * frames_),
      recorder_(recorder) {
  if (limit_frames_ != std::numeric_limits<int>::max())
    recorder_.set_limit_bytes(wal_bytes(limit_frames_, page_size_bytes_));
}

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

// ---- Under the turn ----

// Where a reader pins the log, a checkpoint copies little and the log goes on growing; trying again
// at every commit would not help, so each kind waits for the log to have grown by a share.
void Checkpointer::after_commit(sqlite::Connection& writer) noexcept {
  const int frames = writer.wal_frames();
  recorder_.set_frames(frames);
  if (frames < frames_) {
    // The log was started over.
    next_background_ = frames_;
    next_forced_ = 2 * frames_;
    next_at_limit_ = 0;
    stuck_at_ = -1;
    residue_.store(false, std::memory_order_relaxed);
  } else if (frames >= limit_frames_ && frames >= next_at_limit_) {
    next_at_limit_ = frames + frames_ / 4;
    try {
      at_limit(writer);
    } catch (const std::exception&) {
      // Without memory, nobody can be named; the next commit tries again.
      next_at_limit_ = frames;
    }
  } else if (residue_.exchange(false, std::memory_order_acquire)) {
    (void)start_over(writer, Clock::now() + pause_for(frames), false);
  } else if (frames >= next_forced_) {
    (void)start_over(writer, Clock::now() + pause_for(frames), false);
    next_forced_ = frames + frames_;
  } else if (frames >= next_background_) {
    wake();
    next_background_ = frames + frames_ / 4;
  }
}

microseconds Checkpointer::pause_for(int frames) const noexcept {
  return std::min<microseconds>(microseconds(kPause) * frames / (2 * std::int64_t{frames_}),
                                kLongestPause);
}

// Looks again and again, which costs less than to wait for this process's readers by name and sees
// those of other processes too.
bool Checkpointer::start_over(sqlite::Connection& writer, Clock::time_point until,
                              bool again) noexcept {
  gate::MutexLock lock(copying_);
  const Clock::time_point start = Clock::now();
  sqlite::CheckpointResult result = writer.checkpoint(sqlite::CheckpointMode::Restart);
  if (result.busy && (again || result.copied_frames != stuck_at_)) {
    gate::sync_point("Checkpointer::start_over:waits");
    do {
      gate::sync_point("Checkpointer::start_over:looks");
      // sleep: SQLite tells nobody that a reader has ended.
      std::this_thread::sleep_for(kBetweenLooks);
      result = writer.checkpoint(sqlite::CheckpointMode::Restart);
    } while (result.busy && Clock::now() < until);
  }
  note(result, start);
  stuck_at_ = result.busy ? result.copied_frames : -1;
  return !result.busy;
}

sqlite::CheckpointResult Checkpointer::checkpoint_now(sqlite::Connection& writer,
                                                      sqlite::CheckpointMode mode,
                                                      Clock::time_point until) noexcept {
  gate::MutexLock lock(copying_);
  const Clock::time_point start = Clock::now();
  sqlite::CheckpointResult result = writer.checkpoint(mode);
  while (mode != sqlite::CheckpointMode::Passive && result.busy && Clock::now() < until) {
    // sleep: SQLite tells nobody that a reader has ended.
    std::this_thread::sleep_for(kBetweenLooks);
    result = writer.checkpoint(mode);
  }
  note(result, start);
  return result;
}

void Checkpointer::at_limit(sqlite::Connection& writer) {
  const Clock::time_point now = Clock::now();
  const bool interrupts = policy_ == AtWalLimit::InterruptReaders;
  std::size_t interrupted = interrupts ? interrupt_readers(now - patience_) : 0;
  Clock::time_point until = now + kLongestPause;
  bool again = interrupted > 0;
  if (policy_ != AtWalLimit::Warn && readers_ != nullptr) {
    // Who has not had the time that each reader has gets it.
    const auto oldest = readers_->oldest_holder();
    if (oldest && oldest->since > now - patience_) {
      again = true;
      until = std::max(until, std::min(oldest->since + patience_, now + kLongestPauseAtLimit));
    }
  }
  gate::sync_point("Checkpointer::at_limit:before");
  if (start_over(writer, until, again)) return;
  if (interrupts && interrupted == 0) {
    interrupted = interrupt_readers(Clock::now() - patience_);
    if (interrupted > 0 && start_over(writer, Clock::now() + kLongestPause, true)) return;
  }
  if (policy_ == AtWalLimit::RefuseWrites) refuse_writes();
  wake(true);
}

std::size_t Checkpointer::interrupt_readers(Clock::time_point since) {
  if (readers_ == nullptr) return 0;
  const std::vector<gate::Claim> claims = readers_->interrupt_older_than(since);
  recorder_.on_interrupted_reads(claims.size());
  for (const gate::Claim& claim : claims) {
    post({LogEvent::Severity::Warning, "WAL_LIMIT",
          "the write-ahead log has reached its limit and this read was interrupted: " +
              claim.as_holder("read snapshot").describe()});
  }
  if (!claims.empty()) wake(true);
  return claims.size();
}

void Checkpointer::refuse_writes() {
  const std::string culprit = pins_.find_culprit().describe();
  {
    gate::MutexLock lock(mutex_);
    refusal_ = "the write-ahead log has reached its limit of " +
               mebibytes(wal_bytes(limit_frames_, page_size_bytes_)) +
               " and cannot be started over; " + culprit;
  }
  if (!refusing_.exchange(true, std::memory_order_release)) {
    post({LogEvent::Severity::Error, "WAL_LIMIT",
          "the write-ahead log has reached its limit, and writes are refused; " + culprit});
  }
}

void Checkpointer::allow_writes() {
  if (!refusing_.exchange(false, std::memory_order_acq_rel)) return;
  post({LogEvent::Severity::Info, "WAL_LIMIT",
        "the write-ahead log could be copied, and writes are allowed again"});
}

void Checkpointer::require_room(const Call& call) {
  if (!refusing_.load(std::memory_order_acquire)) return;
  recorder_.on_refused_write();
  Error::Details details;
  details.code = code("WAL_LIMIT");
  details.lane = call.lane;
  details.where = call.where;
  details.retry_is_safe = true;
  {
    gate::MutexLock lock(mutex_);
    details.message = refusal_;
  }
  throw StorageError(std::move(details));
}

microseconds Checkpointer::bulk_pause() const noexcept {
  const std::int64_t frames = recorder_.frames();
  const std::int64_t half = limit_frames_ / 2;
  if (frames <= half) return microseconds(0);
  return std::min<microseconds>(microseconds(kLongestBulkPause) * (frames - half) / half,
                                kLongestBulkPause);
}

// ---- On the thread ----

void Checkpointer::wake(bool even_if_busy) {
  {
    gate::MutexLock lock(mutex_);
    if ((busy_ && !even_if_busy) || wanted_ || stopping_) return;
    if (!thread_.joinable()) {
      try {
        thread_ = std::thread([this] { run(); });
      } catch (const std::system_error&) {
        return;  // No thread is to be had now; a later commit asks again.
      }
    }
    wanted_ = true;
  }
  changed_.notify_all();
}

bool Checkpointer::wait_for_work(bool look_again) {
  const milliseconds interval = std::clamp(patience_ / 4, milliseconds(1), kLookAgain);
  const Clock::time_point next = Clock::now() + interval;
  gate::MutexLock lock(mutex_);
  busy_ = false;
  while (!wanted_ && !stopping_)
    if (!look_again)
      changed_.wait(mutex_);
    else if (!changed_.wait_until(mutex_, next))
      break;
  wanted_ = false;
  busy_ = true;
  return !stopping_;
}

void Checkpointer::run() {
  std::unique_ptr<sqlite::Connection> connection;
  while (wait_for_work(pins_.pinned())) {
    try {
      if (!connection) connection = connect_();
      gate::sync_point("Checkpointer::run:before");
      copy(*connection);
    } catch (const std::exception& error) {
      post({LogEvent::Severity::Warning, "CHECKPOINT_FAILED",
            std::string("the write-ahead log could not be copied into the file: ") + error.what()});
    }
    tell();
  }
}

void Checkpointer::copy(sqlite::Connection& connection) {
  sqlite::CheckpointResult result;
  {
    gate::MutexLock lock(copying_);
    const Clock::time_point start = Clock::now();
    result = connection.checkpoint(sqlite::CheckpointMode::Passive);
    note(result, start);
  }
  residue_.store(true, std::memory_order_release);
  const std::int64_t bytes = wal_bytes(std::max(result.log_frames, 0), page_size_bytes_);
  const std::optional<Holder> pin = pins_.look(result, bytes);
  recorder_.set_pinned(pins_.pinned());
  if (pin) {
    post({LogEvent::Severity::Warning, "WAL_PINNED",
          "the write-ahead log has grown to " + mebibytes(bytes) +
              " and cannot be copied into the file; " + pin->describe()});
  }
  if (!pins_.pinned()) allow_writes();
  if (result.code != 0 && !result.busy) sqlite::raise(connection, result.code);
}

void Checkpointer::note(const sqlite::CheckpointResult& result, Clock::time_point start) noexcept {
  // "Nothing done" comes with a success code too, and is told only by the count of frames.
  if (result.log_frames <= 0) return;
  recorder_.on_checkpoint(Clock::now() - start, result.log_frames, result.copied_frames);
}

void Checkpointer::post(LogEvent event) {
  gate::MutexLock lock(mutex_);
  events_.push_back(std::move(event));
}

void Checkpointer::tell() noexcept {
  std::vector<LogEvent> events;
  {
    gate::MutexLock lock(mutex_);
    events.swap(events_);
  }
  if (!log_sink_) return;
  for (const LogEvent& event : events) {
    try {
      log_sink_(event);
    } catch (...) {
      // A sink that throws has nobody to be told to.
      continue;
    }
  }
}

}  // namespace turnstile::database
