#include "gate/writer_turn.h"

#include <utility>

#include "gate/futex.h"
#include "gate/sync_point.h"

namespace turnstile::gate {

namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;

// States of a place; an outcome is kSettled plus the Wait.
constexpr std::uint32_t kWaiting = 0;
constexpr std::uint32_t kAsleep = 1;
constexpr std::uint32_t kSettled = 2;

// Beyond this a wake-up costs little beside the wait.
constexpr nanoseconds kWorthSpinning = 300us;
constexpr int kLooksBetweenYields = 20;

void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace

WriterTurn::Entry WriterTurn::enter(Place& place, bool again) {
  bool wakes_runner = false;
  {
    MutexLock lock(mutex_);
    if (closed_ && !again) return Entry::Closed;
    if (!holder_ && place.kind_ != Place::Kind::Detached) {
      grant(place, steady_clock::now());
      return Entry::Granted;
    }
    place.state_.store(kWaiting, std::memory_order_relaxed);
    place.came_again_ = again;
    if (again) place.claim_.since = steady_clock::now();
    push(place);
    if (!holder_) {
      grant_to_runner(place);
      wakes_runner = true;
    }
  }
  if (!wakes_runner) {
    announce_arrival();
    return Entry::Queued;
  }
  runner_wake_.notify_one();
  return Entry::Queued;
}

Wait WriterTurn::wait(Place& place, Deadline deadline) {
  sync_point("WriterTurn::wait:queued");
  spin_for(place);
  for (;;) {
    std::uint32_t state = place.state_.load(std::memory_order_acquire);
    if (state >= kSettled) return static_cast<Wait>(state - kSettled);
    if (state == kWaiting && !place.state_.compare_exchange_strong(state, kAsleep)) continue;
    if (sleep_while(place.state_, kAsleep, deadline)) continue;
    sync_point("WriterTurn::wait:deadline_passed");
    if (withdraw(place, Wait::TimedOut)) continue;
    // It was its turn in this very moment: that is waited for.
    deadline = Deadline::never();
  }
}

Wait WriterTurn::acquire(Place& place, Deadline deadline) {
  switch (enter(place)) {
    case Entry::Granted:
      return Wait::Granted;
    case Entry::Closed:
      return Wait::Closed;
    case Entry::Queued:
      break;
  }
  return wait(place, deadline);
}

void WriterTurn::spin_for(const Place& place) noexcept {
  if (expected_hold_ns_.load(std::memory_order_relaxed) > nanoseconds(kWorthSpinning).count())
    return;
  if (!spin_.allowed()) return;
  const auto end = steady_clock::now() + kWorthSpinning;
  do {
    for (int look = 0; look < kLooksBetweenYields; ++look) {
      if (place.state_.load(std::memory_order_acquire) >= kSettled) return;
      relax();
    }
    if (!spin_.yield()) return;
  } while (steady_clock::now() < end);
}

bool WriterTurn::withdraw(Place& place, Wait outcome) {
  {
    MutexLock lock(mutex_);
    if (!place.queued_ || place.came_again_) return false;
    remove(place);
  }
  if (!place.is_detached()) settle(place, outcome);
  return true;
}

void WriterTurn::withdraw_detached(detail::FunctionRef<bool(const Place&)> which,
                                   detail::FunctionRef<void(Place&)> use) {
  // Linked to each other through what linked them to the line.
  Place* taken = nullptr;
  {
    MutexLock lock(mutex_);
    for (const Line& line : lines_) {
      for (Place* place = line.first; place != nullptr;) {
        Place* const next = place->next_;
        if (place->is_detached() && which(*place)) {
          remove(*place);
          place->next_ = std::exchange(taken, place);
        }
        place = next;
      }
    }
  }
  while (taken != nullptr) {
    Place& place = *taken;
    taken = place.next_;
    use(place);
  }
}

void WriterTurn::if_holder(const Place& place, detail::FunctionRef<void()> act) {
  MutexLock lock(mutex_);
  if (holder_place_ == &place) act();
}

void WriterTurn::forget_holder_place() {
  MutexLock lock(mutex_);
  holder_place_ = nullptr;
}

bool WriterTurn::hand_over() {
  Place* next = nullptr;
  {
    MutexLock lock(mutex_);
    next = first_in_line();
    if (next == nullptr) return false;
    if (next->kind_ == Place::Kind::Turn) {
      remove(*next);
      grant(*next, steady_clock::now());
    } else {
      grant_to_runner(*next);
      next = nullptr;
    }
  }
  sync_point("WriterTurn::hand_over:handed_over");
  if (next != nullptr)
    settle(*next, Wait::Granted);
  else
    runner_wake_.notify_one();
  return true;
}

void WriterTurn::leave() {
  for (;;) {
    if (hand_over()) return;
    MutexLock lock(mutex_);
    if (first_in_line() != nullptr) continue;  // Somebody came between the two looks.
    holder_.reset();
    holder_place_ = nullptr;
    freed_.notify_all();
    return;
  }
}

bool WriterTurn::await_runner_turn() {
  MutexLock lock(mutex_);
  while (!runner_has_turn_ && !runner_stopping_)
    runner_wake_.wait(mutex_);
  return std::exchange(runner_has_turn_, false);
}

Place* WriterTurn::take_work(steady_clock::time_point now) {
  MutexLock lock(mutex_);
  Place* const next = first_in_line();
  if (next == nullptr || next->kind_ == Place::Kind::Turn) return nullptr;
  remove(*next);
  grant(*next, now);
  holder_->thread_id = this_thread_id();
  return next;
}

// Announced before the look, and the other side looks after it has come.
void WriterTurn::await_arrivals(std::size_t count, Deadline deadline) noexcept {
  const std::uint32_t before = arrivals_word_.load();
  arrivals_wanted_.store(count);
  if (waiting_.load() < count) sleep_while(arrivals_word_, before, deadline);
  arrivals_wanted_.store(0);
}

void WriterTurn::announce_arrival() noexcept {
  const std::size_t wanted = arrivals_wanted_.load();
  if (wanted == 0 || waiting_.load() < wanted) return;
  arrivals_wanted_.store(0);
  arrivals_word_.fetch_add(1);
  wake(&arrivals_word_);
}

void WriterTurn::finish(Place& place) noexcept {
  settle(place, Wait::Done);
}

void WriterTurn::stop_runner() {
  {
    MutexLock lock(mutex_);
    runner_stopping_ = true;
  }
  runner_wake_.notify_one();
}

void WriterTurn::expect_hold(nanoseconds duration) noexcept {
  // A moving average. Only the runner calls this, so that the two steps need not be one.
  const std::int64_t before = expected_hold_ns_.load(std::memory_order_relaxed);
  expected_hold_ns_.store((before * 9 + duration.count()) / 10, std::memory_order_relaxed);
}

void WriterTurn::close() {
  MutexLock lock(mutex_);
  closed_ = true;
}

void WriterTurn::cancel_waiting(detail::FunctionRef<void(Place&)> use) {
  Place* taken = nullptr;
  {
    MutexLock lock(mutex_);
    for (const Line& line : lines_) {
      for (Place* place = line.first; place != nullptr;) {
        Place* const next = place->next_;
        if (!place->came_again_) {
          remove(*place);
          place->next_ = std::exchange(taken, place);
        }
        place = next;
      }
    }
  }
  while (taken != nullptr) {
    Place& place = *taken;
    taken = place.next_;
    if (place.is_detached())
      use(place);
    else
      settle(place, Wait::Closed);
  }
}

bool WriterTurn::wait_until_free(Deadline deadline) {
  MutexLock lock(mutex_);
  while (holder_) {
    if (deadline.is_never()) {
      freed_.wait(mutex_);
    } else {
      if (deadline.expired()) return false;
      freed_.wait_until(mutex_, deadline.time());
    }
  }
  return true;
}

std::optional<Claim> WriterTurn::holder() const {
  MutexLock lock(mutex_);
  return holder_;
}

void WriterTurn::push(Place& place) {
  Line& line = lines_[static_cast<std::size_t>(place.priority_)];
  place.queued_ = true;
  place.next_ = nullptr;
  place.previous_ = std::exchange(line.last, &place);
  (place.previous_ == nullptr ? line.first : place.previous_->next_) = &place;
  waiting_.fetch_add(1);
  show_waiting();
}

void WriterTurn::remove(Place& place) {
  Line& line = lines_[static_cast<std::size_t>(place.priority_)];
  (place.previous_ == nullptr ? line.first : place.previous_->next_) = place.next_;
  (place.next_ == nullptr ? line.last : place.next_->previous_) = place.previous_;
  place.queued_ = false;
  waiting_.fetch_sub(1, std::memory_order_relaxed);
  show_waiting();
}

void WriterTurn::show_waiting() noexcept {
  if (shown_waiting_ == nullptr) return;
  shown_waiting_->store(static_cast<std::uint32_t>(waiting()), std::memory_order_relaxed);
}

Place* WriterTurn::first_in_line() const {
  Place* best = nullptr;
  steady_clock::time_point best_rank;
  for (std::size_t priority = 0; priority < lines_.size(); ++priority) {
    Place* const first = lines_[priority].first;
    if (first == nullptr) continue;
    const auto rank = first->claim_.since + kHandicaps[priority];
    if (best == nullptr || rank < best_rank) {
      best = first;
      best_rank = rank;
    }
  }
  return best;
}

void WriterTurn::grant(const Place& place, steady_clock::time_point now) {
  holder_ = place.claim_;
  holder_->since = now;
  holder_place_ = &place;
}

void WriterTurn::grant_to_runner(const Place& next) {
  grant(next, steady_clock::now());
  // Not its own before it is taken out of the line, which its deadline may do first.
  holder_place_ = nullptr;
  runner_has_turn_ = true;
}

void WriterTurn::settle(Place& place, Wait outcome) noexcept {
  const std::uint32_t before = place.state_.exchange(kSettled + static_cast<std::uint32_t>(outcome),
                                                     std::memory_order_acq_rel);
  // From here on the place may be gone.
  if (before == kAsleep) wake(&place.state_);
}

}  // namespace turnstile::gate
