#include "tasks/work_signal.h"

#include <algorithm>

namespace turnstile::tasks {

namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

}  // namespace

void WorkSignal::raise() noexcept {
  {
    const gate::MutexLock lock(mutex_);
    raised_ = true;
    ++count_;
  }
  for_workers_.notify_one();
  for_watchers_.notify_all();
}

void WorkSignal::close() noexcept {
  {
    const gate::MutexLock lock(mutex_);
    closed_ = true;
  }
  for_workers_.notify_all();
  for_watchers_.notify_all();
}

bool WorkSignal::wait_to_look() {
  const gate::MutexLock lock(mutex_);
  while (!closed_ && !raised_ && !(next_look_ && *next_look_ <= now_()))
    wait();
  raised_ = false;
  next_look_ = std::nullopt;
  return !closed_;
}

void WorkSignal::wait() {
  // Of several that wait for a time, those that come too late find that another has looked.
  if (next_look_)
    for_workers_.wait_until(mutex_, system_clock::now() + (*next_look_ - now_()));
  else
    for_workers_.wait(mutex_);
}

void WorkSignal::looked(const Look& look) noexcept {
  {
    const gate::MutexLock lock(mutex_);
    if (look.work)
      raised_ = true;
    else if (look.next)
      next_look_ = next_look_ ? std::min(*next_look_, *look.next) : *look.next;
    if (!look.work) return;
  }
  for_workers_.notify_one();
}

bool WorkSignal::pause(std::chrono::milliseconds length) {
  const auto until = steady_clock::now() + length;
  const gate::MutexLock lock(mutex_);
  while (!closed_ && steady_clock::now() < until)
    for_watchers_.wait_until(mutex_, until);
  return !closed_;
}

std::uint64_t WorkSignal::count() const {
  const gate::MutexLock lock(mutex_);
  return count_;
}

bool WorkSignal::wait_beyond(std::uint64_t count, const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] {
    const gate::MutexLock lock(mutex_);
    for_watchers_.notify_all();
  });
  const gate::MutexLock lock(mutex_);
  while (!closed_ && count_ == count && !stop.stop_requested())
    for_watchers_.wait(mutex_);
  return !closed_ && !stop.stop_requested();
}

}  // namespace turnstile::tasks
