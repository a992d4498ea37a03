#include "gate/reader_pool.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "gate/sync_point.h"

namespace turnstile::gate {

ReaderPool::ReaderPool(std::vector<std::unique_ptr<sqlite::Connection>> connections,
                       std::span<CallRecord> records, std::atomic<std::uint32_t>* waiting)
    : records_(records),
      shown_waiting_(waiting),
      connections_(std::move(connections)),
      holders_(connections_.size()) {
  for (std::size_t slot = 0; slot < std::min(records_.size(), connections_.size()); ++slot)
    connections_[slot]->show_sql_in(&records_[slot].sql());
  // In full, so that giving back never allocates.
  idle_.reserve(connections_.size());
  for (std::size_t slot = connections_.size(); slot > 0; --slot)
    idle_.push_back(slot - 1);
}

ReaderPool::Lease::Lease(Lease&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      slot_(other.slot_),
      had_to_wait_(other.had_to_wait_) {}

ReaderPool::Lease& ReaderPool::Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    if (pool_ != nullptr) pool_->give_back(slot_);
    pool_ = std::exchange(other.pool_, nullptr);
    slot_ = other.slot_;
    had_to_wait_ = other.had_to_wait_;
  }
  return *this;
}

ReaderPool::Lease::~Lease() {
  if (pool_ != nullptr) pool_->give_back(slot_);
}

sqlite::Connection& ReaderPool::Lease::connection() const noexcept {
  return *pool_->connections_[slot_];
}

Wait ReaderPool::lease(const Claim& claim, Deadline deadline, Lease& lease,
                       const std::stop_token& stop) {
  std::optional<std::size_t> free;
  {
    MutexLock lock(mutex_);
    if (closed_) return Wait::Closed;
    if (!idle_.empty()) {
      free = idle_.back();
      idle_.pop_back();
      lend(*free, claim);
    }
  }
  if (!free) return stand_in_line(claim, deadline, lease, stop);
  // Outside the mutex: the assignment may give another reader back.
  lease = Lease(this, *free, false);
  return Wait::Granted;
}

Wait ReaderPool::stand_in_line(const Claim& claim, Deadline deadline, Lease& lease,
                               const std::stop_token& stop) {
  Waiter self{.claim = claim, .wake_up = {}, .outcome = {}};
  {
    MutexLock lock(mutex_);
    if (closed_) return Wait::Closed;
    if (idle_.empty()) {
      queue_.push_back(&self);
      show_waiting();
    } else {
      // One came back between the two looks.
      self.slot = idle_.back();
      idle_.pop_back();
      lend(self.slot, claim);
      self.outcome = Wait::Granted;
    }
  }
  const std::stop_callback on_stop(stop, [&] {
    MutexLock lock(mutex_);
    give_up(self, Wait::Cancelled);
  });
  sync_point("ReaderPool::lease:queued");
  {
    MutexLock lock(mutex_);
    while (!self.outcome && !deadline.expired())
      if (deadline.is_never())
        self.wake_up.wait(mutex_);
      else
        self.wake_up.wait_until(mutex_, deadline.time());
    give_up(self, Wait::TimedOut);
  }
  // Nobody changes it any more.
  if (*self.outcome == Wait::Granted) lease = Lease(this, self.slot, true);
  return *self.outcome;
}

void ReaderPool::give_up(Waiter& waiter, Wait outcome) {
  if (waiter.outcome) return;
  waiter.outcome = outcome;
  waiter.wake_up.notify_one();
  queue_.remove(&waiter);
  show_waiting();
}

void ReaderPool::lend(std::size_t slot, const Claim& claim) {
  holders_[slot] = claim;
  if (slot < records_.size()) records_[slot].begin(claim);
}

void ReaderPool::show_waiting() noexcept {
  if (shown_waiting_ == nullptr) return;
  shown_waiting_->store(static_cast<std::uint32_t>(queue_.size()), std::memory_order_relaxed);
}

void ReaderPool::show(Guest& guest) noexcept {
  for (std::size_t slot = connections_.size(); slot < records_.size(); ++slot) {
    CallRecord& record = records_[slot];
    if (record.call()) continue;
    record.begin(guest.claim_);
    guest.record_ = &record;
    guest.connection_->show_sql_in(&record.sql());
    return;
  }
}

void ReaderPool::close() {
  MutexLock lock(mutex_);
  closed_ = true;
  for (Waiter* waiter : queue_) {
    waiter->outcome = Wait::Closed;
    waiter->wake_up.notify_one();
  }
  queue_.clear();
  show_waiting();
}

bool ReaderPool::wait_until_idle(Deadline deadline) {
  MutexLock lock(mutex_);
  while (!is_idle())
    if (deadline.is_never())
      all_back_.wait(mutex_);
    else if (deadline.expired())
      return false;
    else
      all_back_.wait_until(mutex_, deadline.time());
  return true;
}

void ReaderPool::close_connections() noexcept {
  MutexLock lock(mutex_);
  for (auto& connection : connections_)
    connection.reset();
}

std::size_t ReaderPool::interrupt_leased() {
  MutexLock lock(mutex_);
  // Under the mutex, since a reader that is given back may be lent to somebody else at once.
  std::size_t count = 0;
  for (std::size_t slot = 0; slot < holders_.size(); ++slot) {
    if (holders_[slot]) {
      connections_[slot]->interrupt();
      ++count;
    }
  }
  for (Guest* guest : guests_)
    guest->connection_->interrupt();
  return count + guests_.size();
}

std::vector<Claim> ReaderPool::interrupt_older_than(std::chrono::steady_clock::time_point since) {
  std::vector<Claim> claims;
  MutexLock lock(mutex_);
  claims.reserve(connections_.size() + guests_.size());
  for (std::size_t slot = 0; slot < holders_.size(); ++slot) {
    if (holders_[slot] && holders_[slot]->since <= since && !connections_[slot]->interrupted()) {
      connections_[slot]->interrupt(sqlite::Interrupt::LogLimit);
      claims.push_back(*holders_[slot]);
    }
  }
  for (Guest* guest : guests_) {
    if (guest->claim_.since <= since && !guest->connection_->interrupted()) {
      guest->connection_->interrupt(sqlite::Interrupt::LogLimit);
      claims.push_back(guest->claim_);
    }
  }
  return claims;
}

std::optional<Claim> ReaderPool::oldest_holder() const {
  MutexLock lock(mutex_);
  std::optional<Claim> oldest;
  for (const std::optional<Claim>& holder : holders_)
    if (holder && (!oldest || holder->since < oldest->since)) oldest = holder;
  for (const Guest* guest : guests_)
    if (!oldest || guest->claim_.since < oldest->since) oldest = guest->claim_;
  return oldest;
}

ReaderPool::Counts ReaderPool::counts() const {
  MutexLock lock(mutex_);
  return Counts{
      .idle = idle_.size(), .leased = connections_.size() - idle_.size(), .waiting = queue_.size()};
}

void ReaderPool::give_back(std::size_t slot) noexcept {
  // In a child, a thread that is not there may have had the mutex.
  if (fork_guard_.forked()) return;
  MutexLock lock(mutex_);
  // Under the mutex, as interrupting is: an interrupt finds either this loan or the next one.
  connections_[slot]->clear_interrupt();
  if (!queue_.empty()) {
    Waiter& next = *queue_.front();
    queue_.pop_front();
    show_waiting();
    Claim claim = next.claim;
    claim.since = std::chrono::steady_clock::now();
    lend(slot, claim);
    next.slot = slot;
    next.outcome = Wait::Granted;
    // Under the mutex: once it is free, the waiter may return and the condition be gone.
    next.wake_up.notify_one();
    return;
  }
  holders_[slot].reset();
  if (slot < records_.size()) records_[slot].end();
  idle_.push_back(slot);
  if (is_idle()) all_back_.notify_all();
}

bool ReaderPool::enter(Guest& guest) {
  MutexLock lock(mutex_);
  if (closed_) return false;
  guests_.push_back(&guest);
  show(guest);
  return true;
}

void ReaderPool::leave(Guest& guest) noexcept {
  if (fork_guard_.forked()) return;
  MutexLock lock(mutex_);
  // Under the mutex, as for a loan: nobody interrupts it from now on.
  guests_.remove(&guest);
  guest.connection_.reset();
  if (guest.record_ != nullptr) guest.record_->end();
  if (is_idle()) all_back_.notify_all();
}

bool ReaderPool::is_idle() const {
  return idle_.size() == connections_.size() && guests_.empty();
}

}  // namespace turnstile::gate
