// Whose turn it is among the calls of this process that want the same thing for themselves.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <utility>

#include "gate/claim.h"
#include "gate/mutex.h"
#include "sqlite/call.h"

namespace turnstile::vault {

/// One call at a time, in the order in which they come. Unlike a mutex it may be held for long,
/// because whoever waits does so until his own deadline.
///
/// Threads: shared.
class TURNSTILE_CAPABILITY("turn") CallTurn {
 public:
  /// `busy` is the clause that says to a call in vain what another one does.
  explicit CallTurn(std::string busy) : busy_(std::move(busy)) {}
  CallTurn(const CallTurn&) = delete;
  CallTurn& operator=(const CallTurn&) = delete;

  /// Throws Timeout (PROFILE_BUSY, with the thread and the call that have it) at the call's
  /// deadline, and Cancelled when the call is asked to stop; what is free is had all the same.
  void acquire(const Call& call) TURNSTILE_ACQUIRE() TURNSTILE_EXCLUDES(mutex_);
  void release() TURNSTILE_RELEASE() TURNSTILE_EXCLUDES(mutex_);

  /// Has the turn for a scope. Threads: scoped.
  class TURNSTILE_SCOPED_CAPABILITY Hold {
   public:
    Hold(CallTurn& turn, const Call& call) TURNSTILE_ACQUIRE(turn) : turn_(turn) {
      turn_.acquire(call);
    }
    ~Hold() TURNSTILE_RELEASE() { turn_.release(); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    CallTurn& turn_;
  };

 private:
  using Line = std::list<gate::Claim>;

  /// Empty when it has come to `place`; else who has it, and the place is given up.
  [[nodiscard]] std::optional<gate::Claim> wait(Line::iterator place, const Call& call)
      TURNSTILE_EXCLUDES(mutex_);

  const std::string busy_;
  gate::Mutex mutex_;
  gate::CondVar moved_;
  Line line_ TURNSTILE_GUARDED_BY(mutex_);  // The first one has the turn, the others wait.
};

}  // namespace turnstile::vault
