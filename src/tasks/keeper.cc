#include "tasks/keeper.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gate/sync_point.h"
#include "tasks/attempts.h"

namespace turnstile::tasks {

namespace {

using std::chrono::system_clock;

// Commits come by thousands, cancels do not.
constexpr std::chrono::milliseconds kBetweenLooks{50};
constexpr std::chrono::seconds kAfterFailure{1};
// Whoever stops the pool waits for a look that has begun.
constexpr std::chrono::seconds kLongestLook{1};

void heed(detail::RunningTask& task, std::optional<ClaimState> state) {
  if (state == ClaimState::Cancelled) task.ask_to_stop(TaskStop::Cancelled);
  if (state == ClaimState::Lost) task.ask_to_stop(TaskStop::LeaseLost);
}

}  // namespace

Keeper::Keeper(std::shared_ptr<detail::TaskStore> store, std::shared_ptr<RunningTasks> running,
               std::shared_ptr<WorkerLog> log)
    : store_(std::move(store)),
      running_(std::move(running)),
      log_(std::move(log)),
      thread_([this] { run(); }) {}

void Keeper::end() noexcept {
  {
    const gate::MutexLock lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Keeper::expect(TaskTime time) {
  {
    const gate::MutexLock lock(mutex_);
    if (due_ && *due_ <= time) return;
    due_ = time;
  }
  changed_.notify_all();
}

void Keeper::rung() noexcept {
  {
    const gate::MutexLock lock(mutex_);
    if (rung_) return;
    rung_ = true;
  }
  changed_.notify_all();
}

void Keeper::wake() noexcept {
  {
    const gate::MutexLock lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

void Keeper::run() noexcept {
  while (const auto round = next_round()) {
    try {
      const TaskTime now = store_->now();
      running_->stop_overdue(now);
      if (round->look_for_cancels) look_for_cancels();
      extend_leases(now);
    } catch (const std::exception& error) {
      log_->storage_failed(std::string("leases could not be looked after: ") + error.what());
      if (round->look_for_cancels) look_again();
    }
    if (const auto overdue = running_->next_overdue()) expect(*overdue);
    if (const auto extension = running_->next_extension())
      expect(std::max(*extension, may_extend_at_));
  }
}

void Keeper::look_again() {
  const gate::MutexLock lock(mutex_);
  rung_ = true;
  next_look_ = Clock::now() + kAfterFailure;
}

std::optional<Keeper::Round> Keeper::next_round() {
  const gate::MutexLock lock(mutex_);
  for (;;) {
    if (ending_) return std::nullopt;
    const auto now = Clock::now();
    const bool look = rung_ && now >= next_look_;
    if (look || woken_ || (due_ && *due_ <= store_->now())) {
      woken_ = false;
      due_ = std::nullopt;
      if (look) {
        rung_ = false;
        next_look_ = now + kBetweenLooks;
      }
      return Round{.look_for_cancels = look};
    }
    wait();
  }
}

void Keeper::wait() {
  std::optional<system_clock::duration> pause;
  if (due_) pause = *due_ - store_->now();
  if (rung_) {
    const auto until_look = std::chrono::ceil<system_clock::duration>(next_look_ - Clock::now());
    pause = pause ? std::min(*pause, until_look) : until_look;
  }
  if (pause)
    changed_.wait_until(mutex_, system_clock::now() + *pause);
  else
    changed_.wait(mutex_);
}

void Keeper::look_for_cancels() {
  const std::vector<RunningTaskPtr> running = running_->all();
  if (running.empty()) return;
  gate::sync_point("Keeper::look_for_cancels:looks");
  const CallOptions options{.timeout = kLongestLook};
  const auto states = store_->lane.read(options, [&running](ReadTx& tx) {
    std::vector<std::optional<ClaimState>> result;
    for (const RunningTaskPtr& task : running)
      result.push_back(state_of(tx, task->claim));
    return result;
  });
  for (std::size_t i = 0; i < running.size(); ++i)
    heed(*running[i], states[i]);
}

void Keeper::extend_leases(TaskTime now) {
  // One that has been asked for and does not come is waited for, and not asked for at once again.
  const std::chrono::milliseconds pause = store_->options.lease / 3;
  if (may_extend_at_ > now + pause) may_extend_at_ = now;  // The clock was set back.
  if (now < may_extend_at_) return;
  std::vector<RunningTaskPtr> running = running_->to_extend(now);
  if (running.empty()) return;
  may_extend_at_ = now + pause;
  struct Extended {
    std::optional<ClaimState> state;
    std::optional<TaskTime> until;
  };
  auto extend_all = [store = store_, running](WriteTx& tx) {
    std::vector<Extended> result;
    for (const RunningTaskPtr& task : running) {
      const auto until = extend(tx, *store, task->claim);
      result.push_back({.state = state_of(tx, task->claim), .until = until});
    }
    return result;
  };
  auto done = [running, running_tasks = running_, log = log_](auto outcome) {
    if (!outcome.ok()) return log->storage_failed("leases could not be extended");
    const auto extended = outcome.get();
    for (std::size_t i = 0; i < running.size(); ++i) {
      if (extended[i].until) running_tasks->extended(*running[i], *extended[i].until);
      heed(*running[i], extended[i].state);
    }
  };
  store_->lane.submit(CallOptions{}, std::move(extend_all), std::move(done));
}

}  // namespace turnstile::tasks
