// The shared turn for a scope, where there is no write-ahead log.
#pragma once

#include <utility>

#include "gate/claim.h"
#include "gate/shared_turn.h"
#include "sqlite/call.h"
#include "sqlite/raise.h"

namespace turnstile::database {

/// Threads: confined.
class SharedPermit {
 public:
  SharedPermit() = default;
  ~SharedPermit() { release(); }
  SharedPermit(const SharedPermit&) = delete;
  SharedPermit& operator=(const SharedPermit&) = delete;

  /// Throws Timeout, Cancelled. `turn` may be null: there is nothing to wait for then.
  void acquire(gate::SharedTurn* turn, gate::SharedTurn::Kind kind, const Call& call,
               const gate::Claim& claim) {
    if (turn == nullptr) return;
    const gate::Wait outcome = turn->acquire(kind, claim, call.deadline, call.stop);
    if (outcome == gate::Wait::Cancelled) sqlite::raise_stopped(call);
    if (outcome != gate::Wait::Granted)
      sqlite::raise_timeout(call, call.timeout_code, holder_of(*turn));
    turn_ = turn;
    kind_ = kind;
  }
  void release() noexcept {
    if (turn_ != nullptr) std::exchange(turn_, nullptr)->release(kind_);
  }

  [[nodiscard]] static Holder holder_of(const gate::SharedTurn& turn) {
    const auto holder = turn.holder();
    return holder ? holder->as_holder("turn, which all share without a write-ahead log") : Holder{};
  }

 private:
  gate::SharedTurn* turn_ = nullptr;
  gate::SharedTurn::Kind kind_ = gate::SharedTurn::Kind::Shared;
};

}  // namespace turnstile::database
