#include "vectors/embedding_worker.h"

#include <algorithm>
#include <utility>

#include "gate/sync_point.h"
#include "vectors/pending.h"

namespace turnstile::detail {

namespace {

constexpr std::size_t kMostLetGo = 4096;

}  // namespace

EmbeddingWorker::EmbeddingWorker(std::shared_ptr<const VectorCollectionState> collection,
                                 EmbeddingProvider provider, EmbeddingSource source,
                                 const EmbeddingBufferOptions& options)
    : collection_(std::move(collection)),
      options_(options),
      batches_(collection_, std::move(provider), std::move(source), options, counters_),
      queue_(options) {}

EmbeddingWorker::~EmbeddingWorker() {
  stop(std::chrono::milliseconds(0));
  if (thread_.joinable()) thread_.join();
}

void EmbeddingWorker::start() {
  if (!observation_) {
    observation_ = collection_->lane().observe({"vector_pending"}, [this](const Change&) {
      gate::MutexLock lock(mutex_);
      marks_changed_ = true;
      changed_.notify_all();
    });
  }
  gate::MutexLock lock(mutex_);
  marks_changed_ = true;
  phase_ = Phase::Running;
  changed_.notify_all();
  if (!thread_ended_) return;  // It runs, or was asked to end and has not got to it.
  if (thread_.joinable()) thread_.join();
  thread_ended_ = false;
  thread_ = std::thread([this] { run(); });
}

EmbeddingStop EmbeddingWorker::stop(std::chrono::milliseconds deadline) {
  const auto until = Clock::now() + deadline;
  EmbeddingStop result;
  {
    gate::MutexLock lock(mutex_);
    if (phase_ == Phase::Running) phase_ = Phase::Draining;
    changed_.notify_all();
    while (!thread_ended_ && Clock::now() < until)
      changed_.wait_until(mutex_, until);
    result.complete = thread_ended_;
    result.undone = in_work_ + queue_.size();
    while (!queue_.empty())
      for (const vectors::EmbeddingJob& job : queue_.take())
        let_go_.push_back(job.mark);
    phase_ = thread_ended_ ? Phase::Idle : Phase::GivenUp;
    changed_.notify_all();
  }
  observation_.reset();
  if (result.complete && thread_.joinable()) thread_.join();
  return result;
}

bool EmbeddingWorker::add(WriteTx& tx, EmbeddingRequest request) {
  const bool runs = [this] {
    gate::MutexLock lock(mutex_);
    return phase_ == Phase::Running;
  }();
  const auto now = collection_->now();
  const auto mark = vectors::set_mark(*collection_, tx, request.id, request.version,
                                      runs ? now + options_.lease : now);
  if (!mark) return false;
  if (runs) {
    tx.after_commit([weak = weak_from_this(), mark = *mark, request = std::move(request)] {
      if (const auto self = weak.lock()) self->enqueue(mark, request);
    });
  }
  return true;
}

Enqueued EmbeddingWorker::enqueue(std::int64_t mark, EmbeddingRequest request) {
  gate::MutexLock lock(mutex_);
  if (phase_ != Phase::Running) return Enqueued::Stopped;
  const bool queued = queue_.push({mark, std::move(request)}, Clock::now());
  if (queued) {
    counters_.add(&EmbeddingCounters::queued);
  } else {
    counters_.add(&EmbeddingCounters::queue_drops);
    if (let_go_.size() < kMostLetGo) let_go_.push_back(mark);
  }
  changed_.notify_all();
  return queued ? Enqueued::Queued : Enqueued::Full;
}

bool EmbeddingWorker::given_up() const {
  gate::MutexLock lock(mutex_);
  return phase_ == Phase::GivenUp;
}

std::optional<EmbeddingWorker::Jobs> EmbeddingWorker::next_batch() {
  gate::MutexLock lock(mutex_);
  for (;;) {
    const bool draining = phase_ == Phase::Draining;
    if (phase_ == Phase::GivenUp || (draining && queue_.empty())) return std::nullopt;
    const auto now = Clock::now();
    const auto due = queue_.due();
    if (due && (draining || *due <= now)) {
      Jobs jobs = queue_.take();
      in_work_ = jobs.size();
      return jobs;
    }
    if (marks_changed_ || !let_go_.empty() || (marks_due_ && *marks_due_ <= now)) return Jobs();
    const auto until = std::min(due.value_or(Clock::time_point::max()),
                                marks_due_.value_or(Clock::time_point::max()));
    if (until == Clock::time_point::max())
      changed_.wait(mutex_);
    else
      changed_.wait_until(mutex_, until);
  }
}

void EmbeddingWorker::embed(Jobs jobs) {
  batches_.run(std::move(jobs), [this] { return given_up(); });
  gate::MutexLock lock(mutex_);
  in_work_ = 0;
}

std::vector<std::int64_t> EmbeddingWorker::take_let_go() {
  gate::MutexLock lock(mutex_);
  return std::exchange(let_go_, {});
}

void EmbeddingWorker::look_at_marks() {
  if (const auto marks = take_let_go(); !marks.empty()) batches_.release(marks);
  {
    gate::MutexLock lock(mutex_);
    if (phase_ != Phase::Running) return;
    marks_changed_ = false;
    marks_due_.reset();
  }
  auto due = batches_.next_due();
  if (due && *due <= collection_->now()) {
    std::optional<Jobs> jobs = batches_.claim();
    // More may be due. Where nothing can be taken up, it is left alone for a while.
    const auto pause = jobs ? std::chrono::milliseconds(0) : options_.retry_after;
    if (jobs && !jobs->empty()) embed(*std::move(jobs));
    due = collection_->now() + pause;
  }
  if (!due) return;
  const auto wait = *due - collection_->now();
  gate::MutexLock lock(mutex_);
  marks_due_ = Clock::now() + wait;
}

bool EmbeddingWorker::end_thread() {
  if (const auto marks = take_let_go(); !marks.empty()) batches_.release(marks);
  gate::MutexLock lock(mutex_);
  if (phase_ == Phase::Running) return false;
  thread_ended_ = true;
  changed_.notify_all();
  return true;
}

void EmbeddingWorker::run() {
  do {
    while (auto jobs = next_batch()) {
      if (!jobs->empty()) embed(*std::move(jobs));
      look_at_marks();
    }
  } while (!end_thread());
}

}  // namespace turnstile::detail
