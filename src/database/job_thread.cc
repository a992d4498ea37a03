#include "database/lane_worker.h"

#include <utility>

#include "database/writer.h"

namespace turnstile::database {

LaneWorker::~LaneWorker() {
  stop();
}

void LaneWorker::add(std::unique_ptr<SubmittedJob> job, Writer& writer) {
  {
    gate::MutexLock lock(mutex_);
    // First, since it may not be to be had.
    if (!thread_.joinable()) thread_ = std::thread([this, &writer] { run(writer); });
    jobs_.push_back(std::move(job));
  }
  changed_.notify_all();
}

void LaneWorker::run(Writer& writer) {
  for (;;) {
    std::list<std::unique_ptr<SubmittedJob>> next;
    {
      gate::MutexLock lock(mutex_);
      busy_ = false;
      if (jobs_.empty()) changed_.notify_all();
      while (jobs_.empty() && !stopping_)
        changed_.wait(mutex_);
      if (jobs_.empty()) return;
      next.splice(next.begin(), jobs_, jobs_.begin());
      busy_ = true;
    }
    writer.run_submitted(std::move(next.front()));
  }
}

bool LaneWorker::wait_until_idle(Deadline deadline) {
  gate::MutexLock lock(mutex_);
  while (busy_ || !jobs_.empty()) {
    if (deadline.is_never()) {
      changed_.wait(mutex_);
    } else {
      if (deadline.expired()) return false;
      changed_.wait_until(mutex_, deadline.time());
    }
  }
  return true;
}

void LaneWorker::cancel_waiting(detail::FunctionRef<void(std::unique_ptr<SubmittedJob>)> use) {
  std::list<std::unique_ptr<SubmittedJob>> cancelled;
  {
    gate::MutexLock lock(mutex_);
    cancelled.swap(jobs_);
  }
  for (auto& job : cancelled)
    use(std::move(job));
}

std::size_t LaneWorker::waiting() const {
  gate::MutexLock lock(mutex_);
  return jobs_.size();
}

void LaneWorker::stop() noexcept {
  std::thread thread;
  {
    gate::MutexLock lock(mutex_);
    stopping_ = true;
    thread = std::move(thread_);
  }
  changed_.notify_all();
  if (thread.joinable()) thread.join();
}

bool LaneWorker::is_own_thread() const {
  gate::MutexLock lock(mutex_);
  return thread_.get_id() == std::this_thread::get_id();
}

}  // namespace turnstile::database
