#include "database/job_thread.h"

#include <utility>

namespace turnstile::database {

JobThread::~JobThread() {
  stop();
}

void JobThread::add(std::unique_ptr<SubmittedJob>&& job) {
  {
    gate::MutexLock lock(mutex_);
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    jobs_.push_back(std::move(job));
  }
  changed_.notify_all();
}

void JobThread::run() {
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
    use_(std::move(next.front()));
  }
}

bool JobThread::wait_until_idle(Deadline deadline) {
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

std::list<std::unique_ptr<SubmittedJob>> JobThread::take_waiting() {
  gate::MutexLock lock(mutex_);
  return std::exchange(jobs_, {});
}

std::size_t JobThread::waiting() const {
  gate::MutexLock lock(mutex_);
  return jobs_.size();
}

void JobThread::stop() noexcept {
  std::thread thread;
  {
    gate::MutexLock lock(mutex_);
    stopping_ = true;
    thread = std::move(thread_);
  }
  changed_.notify_all();
  if (thread.joinable()) thread.join();
}

bool JobThread::is_own_thread() const {
  gate::MutexLock lock(mutex_);
  return thread_.get_id() == std::this_thread::get_id();
}

}  // namespace turnstile::database
