#include "vault/call_turn.h"

#include <chrono>
#include <stop_token>

#include "gate/sync_point.h"
#include "sqlite/raise.h"
#include "vault/raise.h"

namespace turnstile::vault {

void CallTurn::acquire(const Call& call) {
  Line::iterator place;
  {
    const gate::MutexLock lock(mutex_);
    place = line_.insert(line_.end(), gate::Claim::of_this_thread(call.lane, call.where));
    if (place == line_.begin()) return;
  }
  const std::stop_callback on_stop(call.stop, [this] {
    const gate::MutexLock lock(mutex_);
    moved_.notify_all();
  });
  gate::sync_point("CallTurn:waiting");
  const std::optional<gate::Claim> holder = wait(place, call);
  if (!holder) return;
  if (call.stop.stop_requested()) sqlite::raise_stopped(call);
  raise_busy(code("PROFILE_BUSY"), busy_, holder->as_holder("turn"), call);
}

std::optional<gate::Claim> CallTurn::wait(Line::iterator place, const Call& call) {
  const gate::MutexLock lock(mutex_);
  while (place != line_.begin()) {
    if (call.deadline.expired() || call.stop.stop_requested()) {
      line_.erase(place);
      return line_.front();
    }
    if (call.deadline.is_never())
      moved_.wait(mutex_);
    else
      moved_.wait_until(mutex_, call.deadline.time());
  }
  return std::nullopt;
}

void CallTurn::release() {
  const gate::MutexLock lock(mutex_);
  line_.pop_front();
  if (line_.empty()) return;
  line_.front().since = std::chrono::steady_clock::now();
  moved_.notify_all();
}

}  // namespace turnstile::vault
