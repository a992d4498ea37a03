#include <unistd.h>

#include <algorithm>
#include <utility>

#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "tasks/crew.h"
#include "tasks/enqueue.h"
#include "tasks/refuse.h"
#include "turnstile/task_worker.h"

namespace turnstile {

namespace {

constexpr int kMostWorkers = 256;
// A limit of a year is none, and can be added to the clock.
constexpr std::chrono::milliseconds kLongestStop = std::chrono::hours(24 * 365);

void validate(const WorkerPoolOptions& options, std::source_location where) {
  Call call;
  call.where = where;
  if (options.workers < 1 || options.workers > kMostWorkers)
    sqlite::raise_misuse(code("OPTION_INVALID"), "a pool has 1 to 256 workers", call);
  if (options.queues.empty())
    sqlite::raise_misuse(code("OPTION_INVALID"), "a pool needs a queue to work for", call);
  for (const std::string& queue : options.queues)
    tasks::validate_name("queue's name", queue, where);
}

}  // namespace

namespace detail {

/// A pool: its settings, and its threads from one start() to the next stop(). Threads: shared.
class TaskWorkers {
 public:
  using CrewPtr = std::shared_ptr<tasks::Crew>;

  TaskWorkers(TaskQueue queue, std::shared_ptr<TaskStore> store, WorkerPoolOptions options)
      : parts_{.queue = std::move(queue),
               .store = std::move(store),
               .options = std::move(options),
               .log = nullptr} {
    parts_.log = std::make_shared<tasks::WorkerLog>(parts_.options.log_sink);
  }
  ~TaskWorkers() {
    // A child of fork() has none of the threads, and would wait for them.
    if (::getpid() != process_) static_cast<void>(std::make_unique<CrewPtr>(crew_).release());
  }
  TaskWorkers(const TaskWorkers&) = delete;
  TaskWorkers& operator=(const TaskWorkers&) = delete;

  void handle(std::string kind, TaskHandler handler, std::source_location where)
      TURNSTILE_EXCLUDES(mutex_) {
    tasks::validate_name("kind of a task", kind, where);
    if (!handler) tasks::refuse_invalid("the handler of '" + kind + "' is empty", where);
    const gate::MutexLock lock(mutex_);
    if (starting_ || crew_)
      tasks::refuse_invalid("handlers are given before the pool is started", where);
    if (parts_.handlers.contains(kind))
      tasks::refuse_invalid("there is a handler of '" + kind + "' already", where);
    parts_.handlers.emplace(std::move(kind), std::move(handler));
  }

  void start(std::source_location where) TURNSTILE_EXCLUDES(mutex_) {
    if (parts_.handlers.empty())
      tasks::refuse_invalid("a pool without a handler has nothing to do", where);
    CrewPtr former = begin_start();
    const bool works = former && !former->stopping();
    if (former && (works || !former->report().complete)) {
      end_start(std::move(former));
      if (!works) refuse_start(where);
      return;
    }
    former.reset();
    CrewPtr crew;
    try {
      crew = std::make_shared<tasks::Crew>(parts_, where);
    } catch (...) {
      end_start(nullptr);
      throw;
    }
    end_start(std::move(crew));
  }

  StopReport stop(std::chrono::milliseconds limit) TURNSTILE_EXCLUDES(mutex_) {
    const auto until = std::chrono::steady_clock::now() + std::min(limit, kLongestStop);
    CrewPtr crew = current();
    if (!crew) return {};
    if (crew->ask_to_stop()) crew->wait_until_ended(until);
    StopReport report = crew->report();
    if (report.complete) forget(crew);
    return report;
  }

  [[nodiscard]] CrewPtr current() const TURNSTILE_EXCLUDES(mutex_) {
    const gate::MutexLock lock(mutex_);
    while (starting_)
      changed_.wait(mutex_);
    return crew_;
  }

  [[nodiscard]] WorkerMetrics metrics() const {
    const tasks::WorkerCounters& counters = parts_.counters;
    return {.started = counters.started,
            .done = counters.done,
            .failed = counters.failed,
            .timed_out = counters.timed_out,
            .returned = counters.returned,
            .refused = counters.refused,
            .notice_failures = counters.notice_failures,
            .storage_failures = parts_.log->storage_failures()};
  }

 private:
  /// Keeps others from starting until end_start(). Gives the threads that are there.
  [[nodiscard]] CrewPtr begin_start() TURNSTILE_EXCLUDES(mutex_) {
    const gate::MutexLock lock(mutex_);
    while (starting_)
      changed_.wait(mutex_);
    starting_ = true;
    return std::move(crew_);
  }

  void end_start(CrewPtr crew) TURNSTILE_EXCLUDES(mutex_) {
    const gate::MutexLock lock(mutex_);
    starting_ = false;
    crew_ = std::move(crew);
    changed_.notify_all();
  }

  void forget(const CrewPtr& crew) TURNSTILE_EXCLUDES(mutex_) {
    CrewPtr former;
    const gate::MutexLock lock(mutex_);
    if (crew_ == crew) former = std::move(crew_);
  }

  [[noreturn]] static void refuse_start(std::source_location where) {
    Call call;
    call.where = where;
    sqlite::raise_misuse(code("TASK_STILL_RUNNING"),
                         "handlers from before the last stop have not returned", call);
  }

  const pid_t process_ = ::getpid();
  tasks::PoolParts parts_;
  mutable gate::Mutex mutex_;
  mutable gate::CondVar changed_;
  bool starting_ TURNSTILE_GUARDED_BY(mutex_) = false;
  CrewPtr crew_ TURNSTILE_GUARDED_BY(mutex_);  // The last, so that it ends first.
};

}  // namespace detail

WorkerPool::WorkerPool(TaskQueue queue, WorkerPoolOptions options, std::source_location where) {
  validate(options, where);
  auto store = queue.store_;
  workers_ =
      std::make_unique<detail::TaskWorkers>(std::move(queue), std::move(store), std::move(options));
}

WorkerPool::~WorkerPool() = default;

void WorkerPool::handle(std::string kind, TaskHandler handler, std::source_location where) {
  workers_->handle(std::move(kind), std::move(handler), where);
}

void WorkerPool::start(std::source_location where) {
  workers_->start(where);
}

StopReport WorkerPool::stop(std::chrono::milliseconds limit) {
  return workers_->stop(limit);
}

bool WorkerPool::wait_until_empty(std::stop_token stop, std::source_location where) {
  const auto crew = workers_->current();
  return crew && crew->wait_until_empty(stop, where);
}

void WorkerPool::wake() noexcept {
  if (const auto crew = workers_->current()) crew->wake();
}

WorkerMetrics WorkerPool::metrics() const {
  return workers_->metrics();
}

}  // namespace turnstile
