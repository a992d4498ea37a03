#include "gate/shared_turn.h"

#include <algorithm>
#include <chrono>

#include "gate/sync_point.h"

namespace turnstile::gate {

Wait SharedTurn::acquire(Kind kind, const Claim& claim, Deadline deadline,
                         const std::stop_token& stop) {
  Waiter self{.kind = kind, .claim = claim, .wake_up = {}, .outcome = {}};
  {
    MutexLock lock(mutex_);
    if (queue_.empty() && may_enter(kind)) {
      enter(kind, claim);
      return Wait::Granted;
    }
    queue_.push_back(&self);
  }
  const std::stop_callback on_stop(stop, [&] {
    MutexLock lock(mutex_);
    give_up(self, Wait::Cancelled);
  });
  sync_point("SharedTurn::acquire:queued");
  MutexLock lock(mutex_);
  while (!self.outcome && !deadline.expired())
    if (deadline.is_never())
      self.wake_up.wait(mutex_);
    else
      self.wake_up.wait_until(mutex_, deadline.time());
  give_up(self, Wait::TimedOut);
  return *self.outcome;
}

void SharedTurn::give_up(Waiter& waiter, Wait outcome) {
  if (waiter.outcome) return;
  waiter.outcome = outcome;
  waiter.wake_up.notify_one();
  queue_.remove(&waiter);
  // Those behind may have been waiting for nobody but this one.
  grant_next();
}

void SharedTurn::release(Kind kind) {
  // In a child, a thread that is not there may have had the mutex.
  if (fork_guard_.forked()) return;
  MutexLock lock(mutex_);
  if (holders_.empty()) return;
  auto own = std::find_if(holders_.begin(), holders_.end(),
                          [](const Claim& claim) { return claim.thread_id == this_thread_id(); });
  if (own == holders_.end()) own = holders_.begin();
  holders_.erase(own);
  if (kind == Kind::Exclusive) exclusive_ = false;
  grant_next();
}

std::optional<Claim> SharedTurn::holder() const {
  MutexLock lock(mutex_);
  return holders_.empty() ? std::nullopt : std::optional(holders_.front());
}

bool SharedTurn::may_enter(Kind kind) const {
  return holders_.empty() || (kind == Kind::Shared && !exclusive_);
}

void SharedTurn::enter(Kind kind, const Claim& claim) {
  holders_.push_back(claim);
  holders_.back().since = std::chrono::steady_clock::now();
  exclusive_ = kind == Kind::Exclusive;
}

void SharedTurn::grant_next() {
  while (!queue_.empty() && may_enter(queue_.front()->kind)) {
    Waiter& next = *queue_.front();
    queue_.pop_front();
    enter(next.kind, next.claim);
    next.outcome = Wait::Granted;
    // Under the mutex: once it is free, the waiter may return and the condition be gone.
    next.wake_up.notify_one();
  }
}

}  // namespace turnstile::gate
