#include "gate/writer_turn.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "gate/sync_point.h"

namespace turnstile::gate {

Wait WriterTurn::acquire(const Claim& claim, Deadline deadline) {
  ParkedThread self;
  std::list<Waiter>::iterator place;
  {
    MutexLock lock(mutex_);
    if (closed_) return Wait::Closed;
    if (!holder_) {
      grant(claim);
      return Wait::Granted;
    }
    place = queue_.insert(queue_.end(), Waiter{.claim = claim, .thread = &self});
  }
  sync_point("WriterTurn::acquire:queued");
  {
    MutexLock lock(mutex_);
    while (!self.outcome && !deadline.expired())
      if (deadline.is_never())
        self.wake_up.wait(mutex_);
      else
        self.wake_up.wait_until(mutex_, deadline.time());
    if (self.outcome) return *self.outcome;
  }
  sync_point("WriterTurn::acquire:deadline_passed");
  MutexLock lock(mutex_);
  // Handed over in this very moment: it is ours, and nobody else would release it.
  if (self.outcome) return *self.outcome;
  queue_.erase(place);
  return Wait::TimedOut;
}

bool WriterTurn::enqueue(QueuedTurn& work, const Claim& claim) {
  {
    MutexLock lock(mutex_);
    if (closed_) return false;
    if (holder_) {
      queue_.push_back(Waiter{.claim = claim, .work = &work});
      return true;
    }
    grant(claim);
  }
  work.granted();
  return true;
}

bool WriterTurn::withdraw(QueuedTurn& work) {
  MutexLock lock(mutex_);
  const auto place = std::find_if(queue_.begin(), queue_.end(),
                                  [&](const Waiter& waiter) { return waiter.work == &work; });
  if (place == queue_.end()) return false;
  queue_.erase(place);
  return true;
}

void WriterTurn::set_holder_thread(std::int64_t thread_id) {
  MutexLock lock(mutex_);
  if (holder_) holder_->thread_id = thread_id;
}

bool WriterTurn::hand_over() {
  QueuedTurn* work = nullptr;
  {
    MutexLock lock(mutex_);
    if (queue_.empty()) return false;
    const Waiter& next = queue_.front();
    grant(next.claim);
    work = next.work;
    if (next.thread != nullptr) {
      next.thread->outcome = Wait::Granted;
      // Under the mutex: once it is free, the waiter may return and the condition be gone.
      next.thread->wake_up.notify_one();
    }
    queue_.pop_front();
  }
  sync_point("WriterTurn::release:handed_over");
  if (work != nullptr) work->granted();
  return true;
}

void WriterTurn::release() {
  for (;;) {
    if (hand_over()) return;
    MutexLock lock(mutex_);
    if (!queue_.empty()) continue;  // Somebody came between the two looks.
    holder_.reset();
    freed_.notify_all();
    return;
  }
}

bool WriterTurn::wait_until_free(Deadline deadline) {
  MutexLock lock(mutex_);
  while (holder_) {
    if (deadline.expired()) return false;
    freed_.wait_until(mutex_, deadline.time());
  }
  return true;
}

void WriterTurn::close() {
  MutexLock lock(mutex_);
  closed_ = true;
  queue_.remove_if([](const Waiter& waiter) {
    if (waiter.thread == nullptr) return false;
    waiter.thread->outcome = Wait::Closed;
    waiter.thread->wake_up.notify_one();
    return true;
  });
}

std::optional<Claim> WriterTurn::holder() const {
  MutexLock lock(mutex_);
  return holder_;
}

std::size_t WriterTurn::waiting() const {
  MutexLock lock(mutex_);
  return queue_.size();
}

void WriterTurn::grant(const Claim& claim) {
  holder_ = claim;
  holder_->since = std::chrono::steady_clock::now();
}

}  // namespace turnstile::gate
