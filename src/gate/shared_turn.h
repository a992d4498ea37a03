// Readers together or the writer alone, in the order of arrival: for databases in memory and for
// rollback journals, where SQLite itself lets readers and a commit collide. Databases with a
// write-ahead log do not need it.
#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <stop_token>
#include <vector>

#include "gate/claim.h"
#include "gate/mutex.h"
#include "sqlite/deadline.h"
#include "sqlite/fork_guard.h"

namespace turnstile::gate {

/// Fair: a reader that comes after a waiting writer waits behind it, and the other way round.
///
/// Threads: shared.
class SharedTurn {
 public:
  enum class Kind { Shared, Exclusive };

  SharedTurn() = default;
  SharedTurn(const SharedTurn&) = delete;
  SharedTurn& operator=(const SharedTurn&) = delete;

  [[nodiscard]] Wait acquire(Kind kind, const Claim& claim, Deadline deadline,
                             const std::stop_token& stop = {}) TURNSTILE_EXCLUDES(mutex_);
  /// To be called by the thread that acquired it.
  void release(Kind kind) TURNSTILE_EXCLUDES(mutex_);

  /// Who has been holding it longest, if anybody.
  [[nodiscard]] std::optional<Claim> holder() const TURNSTILE_EXCLUDES(mutex_);

 private:
  // On the stack of the thread that waits.
  struct Waiter {
    Kind kind;
    Claim claim;
    CondVar wake_up;
    std::optional<Wait> outcome;  // Guarded by the turn's mutex.
  };
  [[nodiscard]] bool may_enter(Kind kind) const TURNSTILE_REQUIRES(mutex_);
  void enter(Kind kind, const Claim& claim) TURNSTILE_REQUIRES(mutex_);
  void give_up(Waiter& waiter, Wait outcome) TURNSTILE_REQUIRES(mutex_);
  void grant_next() TURNSTILE_REQUIRES(mutex_);

  const sqlite::ForkGuard fork_guard_;
  mutable Mutex mutex_;
  std::list<Waiter*> queue_ TURNSTILE_GUARDED_BY(mutex_);
  std::vector<Claim> holders_ TURNSTILE_GUARDED_BY(mutex_);  // The oldest first.
  bool exclusive_ TURNSTILE_GUARDED_BY(mutex_) = false;      // The only holder is alone.
};

}  // namespace turnstile::gate
