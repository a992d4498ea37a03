// The one who writes: everything between a closure and its COMMIT.
//
//   write()                         submit()
//     |  turn free, nobody waits       |
//     |<--- yes: on this thread        |  detached: no thread waits
//     |                                |
//     +--> line (WriterTurn) <---------+
//             |
//     the runner's thread: [SharedTurn], ProcessGate, BEGIN IMMEDIATE,
//             closure, closure, closure ...   each in a savepoint, as many as wait
//             COMMIT                          then all are told, the oldest first
//
// What may not share a transaction (lanes that say so, bulk work, calls that can be cancelled)
// stands in the same line but gets the turn for its own thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>

#include "database/board.h"
#include "database/checkpointer.h"
#include "database/completion.h"
#include "database/group.h"
#include "database/housekeeping.h"
#include "database/job_thread.h"
#include "database/location.h"
#include "database/metrics.h"
#include "database/observation/observers.h"
#include "database/session.h"
#include "database/shared_permit.h"
#include "database/write_job.h"
#include "gate/process_gate.h"
#include "gate/reader_pool.h"
#include "gate/shared_turn.h"
#include "gate/writer_turn.h"
#include "sqlite/connection.h"
#include "sqlite/fork_guard.h"
#include "turnstile/options.h"

namespace turnstile::database {

/// Threads: shared.
class Writer final : private detail::Yielding {
 public:
  struct Parts {
    const void* database = nullptr;  ///< Whose writes these are, for Scope.
    std::unique_ptr<sqlite::Connection> connection;
    std::unique_ptr<gate::ProcessGate> gate;  ///< Null in memory.
    gate::SharedTurn* shared_turn = nullptr;  ///< Null with a write-ahead log.
    gate::ReaderPool* readers = nullptr;      ///< For the checkpointer; may be null.
    Observers* observers = nullptr;           ///< Who is told of commits; never null.
    BoardPage* board = nullptr;               ///< Where its work shows; never null.
  };
  Writer(Parts parts, const Options& options, const Location& location, Recorder& recorder);
  ~Writer() override;
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Has the job done and waits for it. Throws what the closure threw, Timeout, Cancelled,
  /// StorageError. A job whose call has a stop token has to be one that wants the turn for itself.
  void write(WriteJob& job);
  /// Queues a detached job; false, and it is untouched, once the database is being closed.
  [[nodiscard]] bool submit(std::unique_ptr<SubmittedJob>& job);
  /// write() for a submitted job that shares no transaction, and completes it.
  void run_submitted(std::unique_ptr<SubmittedJob> job) noexcept;
  void complete(std::unique_ptr<SubmittedJob> job) noexcept;

  /// Has the turn for itself and calls `use` with the connection, which is in no transaction, and
  /// with what a transaction of it is to be committed by.
  using Use = detail::FunctionRef<void(sqlite::Connection&, CommitNotes&)>;
  void with_connection(const Call& call, Use use, Priority priority = Priority::Normal);

  // Closing, in this order.

  /// Nobody new is let in. Those who wait are still served.
  void refuse_new() { turn_.close(); }
  [[nodiscard]] bool wait_until_idle(Deadline deadline) { return turn_.wait_until_free(deadline); }
  /// Ends the waits of all, and interrupts who writes. Returns the number of detached jobs.
  [[nodiscard]] std::size_t cancel_waiting();
  void clear_interrupt() noexcept { connection_->clear_interrupt(); }
  /// Ends the threads; the last checkpoint; closes the connection.
  void stop_threads() noexcept;
  void close_connection(const Call& call) noexcept;
  [[noreturn]] void raise_turn_timeout(const Call& call) const;

  [[nodiscard]] std::size_t waiting() const noexcept { return turn_.waiting(); }
  [[nodiscard]] std::size_t submitted() const noexcept {
    return submitted_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] const Checkpointer* checkpointer() const noexcept { return checkpointer_.get(); }
  [[nodiscard]] Checkpointer* checkpointer() noexcept { return checkpointer_.get(); }
  [[nodiscard]] bool is_own_thread() const;

 private:
  using Clock = std::chrono::steady_clock;
  class Permit;
  class Interruptible;

  void start_runner();
  using OnStop = std::stop_callback<std::function<void()>>;
  /// Enters and waits; `on_stop` has to stay until what it was entered for is done.
  [[nodiscard]] gate::Wait get_turn(StoppablePlace& place, const Call& call,
                                    std::optional<OnStop>& on_stop);
  [[noreturn]] void raise_no_turn(gate::Wait outcome, const Call& call) const;
  void stop(StoppablePlace& place) noexcept;
  void run_alone(WriteJob& job);
  void conclude(WriteJob& job) noexcept;
  void record(WriteJob& job) noexcept;
  bool yield(detail::WriteSession& session) override;

  // The runner.
  void serve();
  void serve_group() noexcept;
  [[nodiscard]] bool prepare_group(Call& call) noexcept;
  [[nodiscard]] bool begin_group(Call& call);
  [[nodiscard]] bool may_grow(Clock::duration age) const noexcept;
  void conclude_group(Clock::time_point began) noexcept;
  void fail_overdue(Clock::time_point start) noexcept;
  void time_out(WriteJob& job) noexcept;
  void fail_one(const std::exception_ptr& error) noexcept;
  void linger() noexcept;

  void take_gate(const Call& call, const gate::Claim& claim, detail::FunctionRef<bool()> abandoned);
  void note_order() noexcept;
  void slow_down(const WriteJob& job) const;
  void leave() noexcept;
  [[nodiscard]] Holder holder() const;

  const sqlite::ForkGuard fork_guard_;
  const Options& options_;
  const Location& location_;

  gate::WriterTurn turn_;
  // These belong to whoever has the turn.
  gate::SharedTurn* const shared_turn_;
  const std::unique_ptr<gate::ProcessGate> gate_;
  gate::ProcessGate::Order order_ = gate::ProcessGate::Order::Kept;  // As last noted.
  const Housekeeping housekeeping_;
  std::unique_ptr<sqlite::Connection> connection_;
  std::unique_ptr<Checkpointer> checkpointer_;  // Null without a write-ahead log.
  CommitNotes notes_;
  Group group_;
  Recorder& recorder_;
  gate::CallRecord& shown_call_;  // Of whoever has the connection.
  SharedPermit shared_permit_;
  WriteJob* alone_ = nullptr;      // The job that runs by itself.
  Clock::time_point slice_began_;  // Since when, without a pause.
  std::size_t last_group_ = 0;     // Threads that were served by the last group ...
  std::size_t left_waiting_ = 0;   // ... and what waited when it ended.

  std::atomic<Stage>& stage_;
  std::atomic<std::uint32_t>& alone_shown_;

  std::atomic<std::size_t> submitted_{0};
  JobThread completions_{[](std::unique_ptr<SubmittedJob> job) { tell(*job); }};
  mutable gate::Mutex threads_mutex_;
  std::atomic<bool> runner_started_{false};
  std::thread runner_ TURNSTILE_GUARDED_BY(threads_mutex_);
};

}  // namespace turnstile::database
