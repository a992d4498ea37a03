// A write on its way: what waits for the turn, and what became of it.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "gate/writer_turn.h"
#include "sqlite/call.h"
#include "turnstile/lane.h"

namespace turnstile::database {

using Actions = std::vector<std::function<void()>>;

/// What `raise` throws, for a job that somebody else waits for.
template <class Raise>
[[nodiscard]] std::exception_ptr exception_of(const Raise& raise) noexcept {
  try {
    raise();
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

/// A place whose wait, and what comes after it, its call's stop token can end.
///
/// Threads: as gate::Place; `stopped` is shared.
class StoppablePlace : public gate::Place {
 public:
  StoppablePlace(Kind kind, Priority priority, const gate::Claim& claim, const Call& call)
      : Place(kind, priority, claim), stoppable(call.stop.stop_possible()) {}

  const bool stoppable;
  std::atomic<bool> stopped{false};
};

/// Threads: handed from the caller to whoever runs it, and back.
class WriteJob : public StoppablePlace {
 public:
  using Clock = std::chrono::steady_clock;

  WriteJob(Kind kind, detail::LaneState& lane, Priority priority, const Call& call,
           const gate::Claim& claim)
      : StoppablePlace(kind, priority, claim, call), lane_(lane), call_(call) {}

  virtual void run(WriteTx& tx) = 0;

  [[nodiscard]] detail::LaneState& lane() const noexcept { return lane_; }
  [[nodiscard]] Call& call() noexcept { return call_; }
  [[nodiscard]] const Call& call() const noexcept { return call_; }

  /// Its caller wants it on the medium before it is told.
  bool durable = false;

  // Set by whoever runs it.
  std::exception_ptr error;
  Actions after_commit;     ///< Of what is committed, whatever became of the rest.
  Actions uncommitted;      ///< Of what will be committed next.
  Clock::time_point began;  ///< The closure. The epoch if it never did.
  Clock::time_point ended;

 private:
  detail::LaneState& lane_;
  Call call_;
};

/// A call of write(): it stands on its caller's stack. Threads: as WriteJob.
class CalledJob final : public WriteJob {
 public:
  CalledJob(Kind kind, detail::LaneState& lane, Priority priority, const Call& call,
            const gate::Claim& claim, detail::FunctionRef<void(WriteTx&)> body)
      : WriteJob(kind, lane, priority, call, claim), body_(body) {}

  void run(WriteTx& tx) override { body_(tx); }

 private:
  detail::FunctionRef<void(WriteTx&)> body_;
};

/// A closure that nobody waits for on the spot. In the line it belongs to the line.
///
/// Threads: as WriteJob.
class SubmittedJob final : public WriteJob {
 public:
  SubmittedJob(Kind kind, detail::LaneState& lane, Priority priority, const Call& call,
               const gate::Claim& claim, std::unique_ptr<detail::SubmittedWrite> write)
      : WriteJob(kind, lane, priority, call, claim), write_(std::move(write)) {}

  void run(WriteTx& tx) override { write_->run(tx); }
  [[nodiscard]] detail::SubmittedWrite& write() const noexcept { return *write_; }

 private:
  const std::unique_ptr<detail::SubmittedWrite> write_;
};

}  // namespace turnstile::database
