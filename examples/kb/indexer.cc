#include "indexer.h"

#include <unistd.h>

#include <future>
#include <optional>
#include <random>
#include <utility>

namespace kb {

namespace {

// Unique among all workers of all processes, restarted ones and those in other containers too,
// which a process id is not. Never 0, which means that nobody has the path.
std::int64_t new_owner() {
  std::random_device random;
  return std::uniform_int_distribution<std::int64_t>(1)(random);
}

}  // namespace

// Each concern goes through a lane of its own. So a Timeout says which concern waited and which one
// it waited for, and none of them can take a connection or change a setting.
Indexer::Indexer(const turnstile::Database& database, IndexSettings settings)
    : settings_(std::move(settings)),
      scanner_(settings_.directory),
      reader_(settings_.max_text_bytes),
      queue_(database.lane("scan"), settings_.lease),
      store_(database.lane("documents")),
      audit_(database.lane("audit")),
      process_("process " + std::to_string(::getpid())) {}

Indexer::~Indexer() {
  stop();
}

void Indexer::start() {
  threads_.clear();
  stop_ = std::stop_source();
  scan_done_ = false;
  running_ = settings_.workers + 1;
  threads_.emplace_back([this] { run_thread([this] { scan(); }); });
  for (int number = 1; number <= settings_.workers; ++number)
    threads_.emplace_back([this, number] { run_thread([this, number] { work(number); }); });
}

void Indexer::finish() {
  threads_.clear();  // Joins them.
  if (const std::exception_ptr error = std::exchange(error_, nullptr))
    std::rethrow_exception(error);
}

// What goes wrong with a file is part of the result. What goes wrong with the database ends the
// pass: nothing is lost by that, for what was not done is still queued.
template <class Body>
void Indexer::run_thread(Body body) {
  try {
    body();
  } catch (...) {
    failures_.note_current();
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::current_exception();
    stop_.request_stop();
  }
  --running_;
}

void Indexer::scan() {
  // Nobody has to wait for these two rows but the end of the scan.
  std::future<void> started = audit_.note(process_, Action::ScanStarted, scanner_.root());
  const auto offer = [this](const std::vector<FoundFile>& files) {
    tally_.files += static_cast<std::int64_t>(files.size());
    tally_.queued += queue_.offer(files);
    work_came_.notify_all();
  };
  const ScanResult result = scanner_.walk(offer, stop_.get_token());
  tally_.unnameable += result.unnameable;
  scan_problem_ = result.problem;
  if (!stop_.stop_requested()) tally_.queued += queue_.offer_missing(scanner_.root());
  started.get();
  audit_.note(process_, Action::ScanEnded, scanner_.root()).get();
  scan_done_ = true;
  work_came_.notify_all();
}

void Indexer::work(int number) {
  const std::int64_t owner = new_owner();
  const std::string actor = process_ + ", worker " + std::to_string(number);
  while (!stop_.stop_requested()) {
    if (queue_.state() == QueueState::Available) {
      if (const std::optional<Claim> claim = queue_.claim(owner)) handle(*claim, actor);
    } else if (!wait_for_work()) {
      return;
    }
  }
}

void Indexer::handle(const Claim& claim, const std::string& actor) {
  // The slow part comes first, outside of any transaction: while this thread waits for the disk or
  // inflates, the turn is somebody else's.
  const Contents contents = reader_.read(claim.path);
  count(store_.store(claim, contents, actor), contents);
}

// False when there will be no more. Whoever indexes into the same file can add work, or die and
// leave it behind; that is not announced between processes, so it is looked for now and then.
bool Indexer::wait_for_work() {
  constexpr std::chrono::milliseconds kLookAgain{50};
  const bool scan_was_done = scan_done_;
  if (scan_was_done && queue_.state() == QueueState::Empty) return false;
  std::unique_lock lock(mutex_);
  work_came_.wait_for(lock, kLookAgain);  // Waking for nothing costs one look more.
  return true;
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
    case Outcome::ClaimLost:
      ++tally_.claims_lost;
      break;
  }
  if (outcome == Outcome::Added || outcome == Outcome::Changed)
    tally_.text_bytes += static_cast<std::int64_t>(contents.text.size());
}

}  // namespace kb
