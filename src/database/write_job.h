// A write on its way: what waits for the turn, and what became of it.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <stop_token>
#include <utility>
#include <vector>

#include "gate/writer_turn.h"
#include "sqlite/call.h"
#include "turnstile/lane.h"

namespace turnstile::database {

using Actions = std::vector<std::function<void()>>;

/// Threads: handed from the caller to whoever runs it, and back.
class WriteJob : public gate::Place {
 public:
  using Clock = std::chrono::steady_clock;

  WriteJob(Kind kind, detail::LaneState& lane, Priority priority, const Call& call,
           const gate::Claim& claim)
      : Place(kind, priority, claim), lane_(lane), call_(call) {}

  virtual void run(WriteTx& tx) = 0;

  [[nodiscard]] detail::LaneState& lane() const noexcept { return lane_; }
  [[nodiscard]] Call& call() noexcept { return call_; }
  [[nodiscard]] const Call& call() const noexcept { return call_; }

  /// Its caller wants it on the medium before it is told.
  bool durable = false;
  bool can_be_cancelled = false;
  /// Its caller wants it no more.
  std::atomic<bool> cancelled{false};

  // Set by whoever runs it.
  std::exception_ptr error;
  Actions after_commit;
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

  std::stop_token stop;

 private:
  const std::unique_ptr<detail::SubmittedWrite> write_;
};

}  // namespace turnstile::database
