#include "database/completions.h"

#include <exception>
#include <string>
#include <utility>

#include "sqlite/error_code.h"

namespace turnstile::database {

namespace {

void tell(SubmittedJob& job) noexcept {
  try {
    run_after_commit(job.after_commit, job.call());
  } catch (...) {
    if (!job.error) job.error = std::current_exception();
  }
  if (job.error)
    job.write().failed(std::exchange(job.error, nullptr));
  else
    job.write().committed();
}

}  // namespace

void run_after_commit(const Actions& actions, const Call& call) {
  std::exception_ptr first;
  for (const auto& action : actions) {
    try {
      action();
    } catch (...) {
      if (!first) first = std::current_exception();
    }
  }
  if (!first) return;
  Error::Details details;
  details.code = code("AFTER_COMMIT_FAILED");
  details.lane = call.lane;
  details.where = call.where;
  details.commit_state = CommitState::Committed;
  details.message = "an action after the commit threw";
  try {
    std::rethrow_exception(first);
  } catch (const std::exception& error) {
    details.message += std::string(": ") + error.what();
    std::throw_with_nested(Error(std::move(details)));
  } catch (...) {
    std::throw_with_nested(Error(std::move(details)));
  }
}

Completions::~Completions() {
  stop();
}

void Completions::complete(std::unique_ptr<SubmittedJob> job) noexcept {
  if (job->after_commit.empty() && !job->write().runs_callbacks()) return tell(*job);
  try {
    gate::MutexLock lock(mutex_);
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    jobs_.push_back(std::move(job));
    changed_.notify_one();
  } catch (const std::exception&) {
    // No thread or no memory is to be had: better told here than never.
    tell(*job);
  }
}

void Completions::run() {
  for (;;) {
    std::list<std::unique_ptr<SubmittedJob>> next;
    {
      gate::MutexLock lock(mutex_);
      while (jobs_.empty() && !stopping_)
        changed_.wait(mutex_);
      if (jobs_.empty()) return;
      next.splice(next.begin(), jobs_, jobs_.begin());
    }
    tell(*next.front());
  }
}

void Completions::stop() noexcept {
  std::thread thread;
  {
    gate::MutexLock lock(mutex_);
    stopping_ = true;
    thread = std::move(thread_);
  }
  changed_.notify_all();
  if (thread.joinable()) thread.join();
}

bool Completions::is_own_thread() const {
  gate::MutexLock lock(mutex_);
  return thread_.get_id() == std::this_thread::get_id();
}

}  // namespace turnstile::database
