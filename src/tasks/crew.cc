#include "tasks/crew.h"

#include <unistd.h>

#include <string>
#include <utility>

#include "gate/sync_point.h"
#include "sqlite/error_code.h"
#include "tasks/prune.h"

namespace turnstile::tasks {

namespace {

constexpr std::chrono::seconds kPauseAfterFailure{1};
constexpr std::int64_t kEndedBetweenPrunes = 100;

bool is_closed(const std::exception& error) {
  const auto* known = dynamic_cast<const Error*>(&error);
  return known != nullptr &&
         (known->code() == code("DB_CLOSED") || known->code() == code("CANCELLED") ||
          known->code() == code("USED_AFTER_FORK"));
}

}  // namespace

/// What rings: a commit by anybody, or a call of this process. It owns no thread, so that it does
/// not matter who lets it go last.
///
/// Threads: shared.
class Crew::Listener final : public BellListener {
 public:
  Listener(std::shared_ptr<WorkSignal> signal, std::shared_ptr<Keeper> keeper)
      : signal_(std::move(signal)), keeper_(std::move(keeper)) {}
  void rung() noexcept override {
    signal_->raise();
    keeper_->rung();
  }

 private:
  const std::shared_ptr<WorkSignal> signal_;
  const std::shared_ptr<Keeper> keeper_;
};

Crew::Crew(PoolParts& parts, std::source_location where)
    : parts_(parts),
      running_(std::make_shared<RunningTasks>(parts.store->options.lease)),
      signal_(std::make_shared<WorkSignal>([store = parts.store] { return store->now(); })),
      keeper_(std::make_shared<Keeper>(parts.store, running_, parts.log)),
      runner_(parts, *running_, *signal_),
      listener_(std::make_shared<Listener>(signal_, keeper_)) {
  try {
    parts_.store->bell.add(listener_);
    observation_ = parts_.store->lane.observe(
        {"task_item", "task_queue"}, [listener = listener_](const Change&) { listener->rung(); },
        where);
    ClaimRequest request{.queues = parts_.options.queues};
    for (const auto& [kind, handler] : parts_.handlers)
      request.kinds.push_back(kind);
    const std::string name =
        parts_.options.name.empty() ? "process " + std::to_string(::getpid()) : parts_.options.name;
    for (int number = 1; number <= parts_.options.workers; ++number) {
      request.worker = name + " #" + std::to_string(number);
      const gate::MutexLock lock(mutex_);
      workers_.emplace_back([this, request] { work(request); });
      ++alive_;
    }
  } catch (...) {
    end_threads();
    throw;
  }
}

Crew::~Crew() {
  end_threads();
}

void Crew::end_threads() noexcept {
  ask_to_stop();
  for (std::thread& worker : workers_)
    worker.join();
  observation_.stop();
  keeper_->end();
}

bool Crew::ask_to_stop() noexcept {
  {
    const gate::MutexLock lock(mutex_);
    if (std::exchange(stopping_, true)) return false;
  }
  runner_.claim_no_more();
  signal_->close();
  running_->stop_all(TaskStop::Shutdown);
  gate::sync_point("Crew::ask_to_stop:asked");
  return true;
}

void Crew::wait_until_ended(std::chrono::steady_clock::time_point until) {
  const gate::MutexLock lock(mutex_);
  while (alive_ > 0 && std::chrono::steady_clock::now() < until)
    changed_.wait_until(mutex_, until);
}

bool Crew::stopping() const {
  const gate::MutexLock lock(mutex_);
  return stopping_;
}

StopReport Crew::report() const {
  StopReport report;
  {
    const gate::MutexLock lock(mutex_);
    report.complete = alive_ == 0;
  }
  if (!report.complete) report.still_running = running_->ids();
  return report;
}

void Crew::wake() noexcept {
  signal_->raise();
  keeper_->wake();
}

bool Crew::wait_until_empty(const std::stop_token& stop, std::source_location where) {
  for (;;) {
    const std::uint64_t seen = signal_->count();
    const bool active = parts_.store->lane.read(
        [this](ReadTx& tx) { return has_active(tx, parts_.options.queues); }, where);
    if (!active) return true;
    if (!signal_->wait_beyond(seen, stop)) return false;
  }
}

// The workers.

void Crew::work(const ClaimRequest& request) noexcept {
  while (auto claim = next(request))
    run(std::move(*claim), request);
  {
    const gate::MutexLock lock(mutex_);
    --alive_;
  }
  changed_.notify_all();
}

std::optional<TaskClaim> Crew::next(const ClaimRequest& request) {
  while (signal_->wait_to_look()) {
    try {
      const Look found = parts_.store->lane.read(
          [&](ReadTx& tx) { return look(tx, request.queues, request.kinds, parts_.store->now()); });
      gate::sync_point("Crew::next:looked");
      auto claim = found.work ? parts_.queue.claim(request) : std::nullopt;
      signal_->looked(found);
      if (claim) return claim;
    } catch (const std::exception& error) {
      if (is_closed(error)) break;
      parts_.log->storage_failed(std::string("no task could be claimed: ") + error.what());
      if (!signal_->pause(kPauseAfterFailure)) break;
      signal_->looked({.work = true});
    }
  }
  return std::nullopt;
}

void Crew::run(TaskClaim claim, const ClaimRequest& request) {
  std::optional<TaskClaim> next(std::move(claim));
  while (next) {
    const TaskTime now = parts_.store->now();
    keeper_->expect(std::min<TaskTime>(next->deadline, now + parts_.store->options.lease / 3));
    next = runner_.run(std::move(*next), request);
    prune_sometimes();
  }
  // What has just ended may be tried again later, and somebody has to know when.
  signal_->looked({.work = true});
}

void Crew::prune_sometimes() {
  if ((ended_.fetch_add(1) + 1) % kEndedBetweenPrunes != 0) return;
  try {
    const std::int64_t keep = parts_.store->options.keep_finished;
    static_cast<void>(parts_.store->lane.write(
        [&](WriteTx& tx) { return prune_slice(tx, keep, parts_.store->now()); }));
  } catch (const std::exception& error) {
    parts_.log->storage_failed(std::string("finished tasks could not be removed: ") + error.what());
  }
}

}  // namespace turnstile::tasks
