#include "database/submitter.h"

#include <algorithm>
#include <utility>

#include "database/core.h"

namespace turnstile::database {

class Submitter::Job final : public gate::QueuedTurn {
 public:
  Job(Submitter& owner, detail::LaneState& lane, std::unique_ptr<detail::SubmittedWrite> write,
      std::source_location where)
      : owner_(owner),
        lane_(lane),
        write_(std::move(write)),
        claim_(gate::Claim::of_this_thread(lane.name(), where)) {
    // It will run on another thread, and must not be taken for the caller's own claim.
    claim_.thread_id = 0;
  }

  void granted() noexcept override { owner_.granted(*this); }

  [[nodiscard]] detail::LaneState& lane() const noexcept { return lane_; }
  [[nodiscard]] detail::SubmittedWrite& write() const noexcept { return *write_; }
  [[nodiscard]] const gate::Claim& claim() const noexcept { return claim_; }

 private:
  Submitter& owner_;
  detail::LaneState& lane_;
  const std::unique_ptr<detail::SubmittedWrite> write_;
  gate::Claim claim_;
};

Submitter::Submitter(detail::Core& core, gate::WriterTurn& turn) noexcept
    : core_(core), turn_(turn) {}

Submitter::~Submitter() {
  stop();
}

void Submitter::stop() noexcept {
  // One after the other: the last closures may have actions.
  const auto end = [this](bool Submitter::*stopping, std::thread Submitter::*member) {
    std::thread thread;
    {
      gate::MutexLock lock(mutex_);
      this->*stopping = true;
      thread = std::move(this->*member);
    }
    changed_.notify_all();
    if (thread.joinable()) thread.join();
  };
  end(&Submitter::stopping_, &Submitter::closures_thread_);
  end(&Submitter::stopping_actions_, &Submitter::actions_thread_);
}

bool Submitter::enqueue(detail::LaneState& lane, std::unique_ptr<detail::SubmittedWrite> write,
                        std::source_location where) {
  Job* job = nullptr;
  {
    gate::MutexLock lock(mutex_);
    if (stopping_) return false;
    if (!closures_thread_.joinable()) closures_thread_ = std::thread([this] { run_closures(); });
    jobs_.push_back(std::make_unique<Job>(*this, lane, std::move(write), where));
    job = jobs_.back().get();
  }
  // Outside the mutex: the turn may be granted at once, on this thread.
  if (turn_.enqueue(*job, job->claim())) return true;
  take(*job)->lane().end_submission();
  return false;
}

void Submitter::granted(Job& job) {
  {
    gate::MutexLock lock(mutex_);
    granted_ = &job;
  }
  changed_.notify_all();
}

// What a closure owns is destroyed with its job, and may call the database: not under the mutex.
std::unique_ptr<Submitter::Job> Submitter::take(Job& job) {
  gate::MutexLock lock(mutex_);
  const auto place = std::find_if(jobs_.begin(), jobs_.end(),
                                  [&](const auto& each) { return each.get() == &job; });
  std::unique_ptr<Job> taken = std::move(*place);
  jobs_.erase(place);
  return taken;
}

void Submitter::run_closures() {
  for (;;) {
    Job* granted = nullptr;
    {
      gate::MutexLock lock(mutex_);
      while (granted_ == nullptr && !stopping_)
        changed_.wait(mutex_);
      granted = std::exchange(granted_, nullptr);
    }
    if (granted == nullptr) return;
    // It waits no more: whoever gets its future's result finds its place in the lane free again.
    std::unique_ptr<Job> job = take(*granted);
    job->lane().end_submission();
    gate::Claim claim = job->claim();
    claim.thread_id = gate::this_thread_id();
    turn_.set_holder_thread(claim.thread_id);
    if (auto actions = core_.run_granted(job->lane(), job->write(), claim))
      complete(std::move(job), std::move(*actions));
  }
}

void Submitter::complete(std::unique_ptr<Job> job, Actions actions) {
  if (actions.empty()) return detail::Core::complete(job->write(), actions, job->claim());
  {
    gate::MutexLock lock(mutex_);
    completions_.push_back({std::move(job), std::move(actions)});
    if (!actions_thread_.joinable()) actions_thread_ = std::thread([this] { run_actions(); });
  }
  changed_.notify_all();
}

void Submitter::run_actions() {
  for (;;) {
    std::list<Completion> next;
    {
      gate::MutexLock lock(mutex_);
      while (completions_.empty() && !stopping_actions_)
        changed_.wait(mutex_);
      if (completions_.empty()) return;
      next.splice(next.begin(), completions_, completions_.begin());
    }
    const Completion& completion = next.front();
    detail::Core::complete(completion.job->write(), completion.actions, completion.job->claim());
  }
}

std::size_t Submitter::cancel_waiting(detail::FunctionRef<std::exception_ptr()> reason) {
  std::list<std::unique_ptr<Job>> cancelled;
  {
    gate::MutexLock lock(mutex_);
    for (auto it = jobs_.begin(); it != jobs_.end();) {
      const auto next = std::next(it);
      if (turn_.withdraw(**it)) cancelled.splice(cancelled.end(), jobs_, it);
      it = next;
    }
  }
  for (const auto& job : cancelled) {
    job->lane().end_submission();
    job->lane().recorder().on_cancelled();
    // Each gets an exception of its own: their receivers need not know of each other's threads.
    job->write().failed(reason());
  }
  return cancelled.size();
}

std::size_t Submitter::waiting() const {
  gate::MutexLock lock(mutex_);
  return jobs_.size();
}

bool Submitter::is_own_thread() const {
  gate::MutexLock lock(mutex_);
  const auto self = std::this_thread::get_id();
  return closures_thread_.get_id() == self || actions_thread_.get_id() == self;
}

}  // namespace turnstile::database
