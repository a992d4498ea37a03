#include "audit/event_queue.h"

#include <algorithm>
#include <utility>

#include "gate/sync_point.h"

namespace turnstile::audit {

namespace {

// About what an event takes in memory.
std::size_t size_of(const AuditEvent& event) noexcept {
  return sizeof(EventQueue::Entry) + event.action.size() + event.actor.size() +
         event.subject.size() + event.detail.size() + event.trace.size() + event.session.size();
}

}  // namespace

EventQueue::EventQueue(const AuditOptions& options)
    : limit_(options.queue_limit),
      limit_bytes_(options.queue_limit_bytes),
      when_full_(options.when_full),
      wait_(options.wait),
      group_size_(options.group_size),
      linger_(options.linger) {}

// ---- Recording ----

EventQueue::Put EventQueue::put(AuditEvent event) {
  const std::size_t bytes = size_of(event);
  gate::MutexLock lock(mutex_);
  if (!has_room(bytes) && !(when_full_ == AuditWhenFull::Wait && wait_for_room(bytes))) {
    if (when_full_ == AuditWhenFull::Drop) {
      drop(event);
      return Put::Dropped;
    }
    ++refused_;
    return Put::Refused;
  }
  ++events_;
  bytes_ += bytes;
  push({.event = std::move(event), .queued = Clock::now()});
  return Put::Queued;
}

bool EventQueue::has_room(std::size_t bytes) const {
  // An event that is larger than all that may be queued is taken when it is alone.
  return !closed_ && events_ < limit_ && (events_ == 0 || bytes_ + bytes <= limit_bytes_);
}

bool EventQueue::wait_for_room(std::size_t bytes) {
  const Clock::time_point until = Clock::now() + wait_;
  ++waiting_for_room_;
  gate::sync_point("EventQueue::put:waits");
  while (!has_room(bytes) && !closed_ && room_.wait_until(mutex_, until)) {
  }
  --waiting_for_room_;
  return has_room(bytes);
}

// The gap stands where the event would have stood; what was dropped one after the other is one gap.
// While the log is being stopped it is not queued: who drops must not keep the thread from ending.
void EventQueue::drop(const AuditEvent& event) {
  ++dropped_;
  if (!closed_ && (entries_.empty() || entries_.back().dropped == 0)) push({});
  Entry& gap = closed_ ? late_ : entries_.back();
  if (gap.dropped == 0) {
    gap.queued = Clock::now();
    gap.first_dropped = *event.time;
  }
  ++gap.dropped;
  gap.last_dropped = *event.time;
}

void EventQueue::push(Entry entry) {
  entries_.push_back(std::move(entry));
  ++put_count_;
  const bool is_enough =
      wants_ == Wants::Any || (wants_ == Wants::Group && entries_.size() >= group_size_);
  if (!is_enough) return;
  wants_ = Wants::Nothing;
  work_.notify_one();
}

bool EventQueue::flush(Clock::time_point until) {
  gate::MutexLock lock(mutex_);
  const std::uint64_t wanted = put_count_;
  wanted_count_ = std::max(wanted_count_, wanted);
  work_.notify_one();
  gate::sync_point("EventQueue::flush:waits");
  while (settled_count_ < wanted && served_ && settled_.wait_until(mutex_, until)) {
  }
  return settled_count_ >= wanted;
}

bool EventQueue::is_settled() const {
  gate::MutexLock lock(mutex_);
  return settled_count_ == put_count_;
}

void EventQueue::count(AuditStats& stats) const {
  gate::MutexLock lock(mutex_);
  stats.queued = events_;
  stats.dropped = dropped_;
  stats.refused = refused_;
}

// ---- Writing ----

bool EventQueue::take(Group& group) {
  gate::MutexLock lock(mutex_);
  while (entries_.empty() && !closed_ && !aborted_) {
    wants_ = Wants::Any;
    work_.wait(mutex_);
  }
  if (!aborted_ && !entries_.empty()) linger();
  wants_ = Wants::Nothing;
  if (aborted_ || entries_.empty()) return false;
  const auto count = static_cast<std::ptrdiff_t>(std::min(entries_.size(), group_size_));
  std::move(entries_.begin(), entries_.begin() + count, std::back_inserter(group));
  entries_.erase(entries_.begin(), entries_.begin() + count);
  return true;
}

void EventQueue::linger() {
  const Clock::time_point until = entries_.front().queued + linger_;
  while (entries_.size() < group_size_ && settled_count_ >= wanted_count_ && !closed_ &&
         !aborted_) {
    wants_ = Wants::Group;
    if (!work_.wait_until(mutex_, until)) return;
  }
}

void EventQueue::settle(const Group& group) {
  gate::MutexLock lock(mutex_);
  settled_count_ += group.size();
  for (const Entry& entry : group) {
    if (entry.dropped != 0) continue;
    --events_;
    bytes_ -= size_of(entry.event);
  }
  settled_.notify_all();
  if (waiting_for_room_ > 0) room_.notify_all();
}

bool EventQueue::pause(Clock::duration duration) {
  const Clock::time_point until = Clock::now() + duration;
  gate::MutexLock lock(mutex_);
  const bool was_closed = closed_;
  while (!aborted_ && closed_ == was_closed && work_.wait_until(mutex_, until)) {
  }
  return !aborted_;
}

void EventQueue::leave() {
  gate::MutexLock lock(mutex_);
  served_ = false;
  settled_.notify_all();
}

// ---- Starting and stopping ----

void EventQueue::open() {
  gate::MutexLock lock(mutex_);
  closed_ = false;
  aborted_ = false;
  served_ = true;
  if (late_.dropped != 0) push(std::exchange(late_, {}));
}

std::size_t EventQueue::close() {
  gate::MutexLock lock(mutex_);
  closed_ = true;
  work_.notify_one();
  room_.notify_all();
  return events_;
}

void EventQueue::abort() {
  gate::MutexLock lock(mutex_);
  aborted_ = true;
  work_.notify_one();
}

EventQueue::Unsettled EventQueue::unsettled() const {
  gate::MutexLock lock(mutex_);
  Unsettled unsettled{.events = events_, .dropped = late_.dropped};
  for (const Entry& entry : entries_)
    unsettled.dropped += entry.dropped;
  return unsettled;
}

bool EventQueue::wait_until_left(Clock::time_point until) {
  gate::MutexLock lock(mutex_);
  while (served_ && settled_.wait_until(mutex_, until)) {
  }
  return !served_;
}

}  // namespace turnstile::audit
