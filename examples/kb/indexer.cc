#include "indexer.h"

#include <unistd.h>

#include <utility>

namespace kb {

using turnstile::Component;
using turnstile::ComponentPriority;
using turnstile::TaskContext;
using turnstile::TaskResult;

namespace {

// The kind and the name of the scheduled job. A kind for each directory, so that only those who
// index that directory take it.
std::string look_name(const Scanner& scanner) {
  return "look " + key_of(scanner.root());
}

// Neither owns what it points to: this object outlives the host's components.
template <class T>
std::shared_ptr<T> borrowed(T& part) {
  return std::shared_ptr<T>(std::shared_ptr<T>(), &part);
}

}  // namespace

Indexer::Indexer(turnstile::Host& host, Embedder& embedder, IndexSettings settings)
    : settings_(std::move(settings)),
      scanner_(settings_.directory),
      reader_(settings_.max_text_bytes),
      process_("process " + std::to_string(::getpid())),
      knowledge_(host.database(), embedder, Tables::Ensure, settings_.lease),
      watch_(knowledge_, scanner_),
      store_(knowledge_),
      chunk_embedder_(knowledge_, embedder),
      pool_(knowledge_.tasks,
            {.queues = {kDocumentQueue, kEmbeddingQueue}, .workers = settings_.workers}),
      scheduler_(host.lane("cron")) {
  pool_.handle("read", [this](TaskContext& task) { return read(task); });
  pool_.handle("embed", [this](TaskContext& task) { return embed(task); });
  scheduler_.handle(look_name(scanner_), [this](turnstile::CronRun& run) {
    look(run.stop());
    ++tally_.looks;
    return turnstile::CronOutcome::done();
  });
  add_parts(host);
}

// The audit log first and last, for the others record in it.
void Indexer::add_parts(turnstile::Host& host) {
  host.add(turnstile::component_of("audit", ComponentPriority::Infrastructure,
                                   borrowed(knowledge_.audit)));
  host.add(turnstile::component_of("workers", ComponentPriority::Automation, borrowed(pool_)));
  host.add({.name = "schedule",
            .priority = ComponentPriority::Automation,
            .start =
                [this] {
                  schedule_looks();
                  scheduler_.start();
                },
            .stop = [this](std::chrono::milliseconds limit) { scheduler_.stop(limit); }});
  host.add({.name = "first look",
            .priority = ComponentPriority::Automation,
            .start = [this] { start_first_look(); },
            .stop =
                [this](std::chrono::milliseconds) {
                  first_look_.request_stop();
                  first_look_.join();
                }});
}

// One job for the directory, whoever adds it. What was due while nobody indexed is not made up for.
void Indexer::schedule_looks() {
  scheduler_.add({.name = look_name(scanner_),
                  .schedule = "@every " + std::to_string(settings_.every.count()) + "s",
                  .kind = look_name(scanner_),
                  .payload = scanner_.root()});
}

void Indexer::start_first_look() {
  first_look_ = std::jthread([this](const std::stop_token& stop) {
    std::exception_ptr error;
    try {
      look(stop);
    } catch (...) {
      failures_.note_current();
      error = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    error_ = error;
    first_look_done_ = true;
  });
}

void Indexer::look(const std::stop_token& stop) {
  const auto note = [this](const Look& part) {
    tally_.files += part.files;
    tally_.queued += part.queued;
    tally_.unnameable += part.unnameable;
  };
  const Look total = watch_.look(process_, note, stop);
  const std::lock_guard lock(mutex_);
  scan_problem_ = total.problem;
}

bool Indexer::is_done() const {
  {
    const std::lock_guard lock(mutex_);
    if (error_) std::rethrow_exception(error_);
    if (!first_look_done_) return false;
  }
  return queue_size() == 0;
}

std::string Indexer::scan_problem() const {
  const std::lock_guard lock(mutex_);
  return scan_problem_;
}

std::int64_t Indexer::queue_size() const {
  const turnstile::TaskCounts counts = knowledge_.tasks.counts();
  return counts.pending + counts.running;
}

TaskResult Indexer::read(const TaskContext& task) {
  return counting_failures([&] {
    const std::string& path = task.text();
    // The slow part comes first, outside of any transaction: while this thread waits for the disk
    // or inflates, the turn is somebody else's.
    const Contents contents = reader_.read(path);
    count(store_.store(task, path, contents, process_), contents);
  });
}

TaskResult Indexer::embed(const TaskContext& task) {
  return counting_failures([&] { tally_.vectors += chunk_embedder_.embed(task, process_); });
}

// What was completed in a transaction stays so, whatever is returned here; a document that is gone
// needs nothing. What fails is tried again, and a dead letter in the end.
template <class Work>
TaskResult Indexer::counting_failures(const Work& work) {
  try {
    work();
    return TaskResult::done();
  } catch (const turnstile::Cancelled& stopped) {
    if (stopped.code() == "TASK_LEASE_LOST") ++tally_.claims_lost;
    return TaskResult::stopped();
  } catch (...) {
    failures_.note_current();
    throw;
  }
}

void Indexer::count(Outcome outcome, const Contents& contents) {
  switch (outcome) {
    case Outcome::Added:
      ++tally_.added;
      break;
    case Outcome::Changed:
      ++tally_.changed;
      break;
    case Outcome::Removed:
      ++tally_.removed;
      break;
    case Outcome::Unchanged:
      ++tally_.unchanged;
      break;
    case Outcome::Skipped:
      ++tally_.skipped;
      break;
  }
  if (outcome == Outcome::Added || outcome == Outcome::Changed)
    tally_.text_bytes += static_cast<std::int64_t>(contents.text.size());
}

}  // namespace kb
