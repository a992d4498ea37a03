#include "database/observation/observers.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "gate/sync_point.h"
#include "sqlite/error_code.h"
#include "sqlite/exception_text.h"
#include "sqlite/raise.h"
#include "turnstile/error.h"

namespace turnstile::database {

using detail::Subscription;

namespace {

using namespace std::chrono_literals;

// The bell rings when frames are written, which is before the commit counts: so the next looks
// follow soon, then more and more slowly. Also the shortest pause between two looks, however fast
// commits come.
constexpr std::chrono::nanoseconds kShortestPause = 200us;
// The bound for what no bell has told.
constexpr std::chrono::nanoseconds kLongestPause = 1s;
// The same where the bell does not hear who writes to the file.
constexpr std::chrono::nanoseconds kPolling = 50ms;
// In memory nothing happens that the bell does not tell.
constexpr std::chrono::nanoseconds kForLong = 1h;

}  // namespace

Observers::Observers(Parts parts, Recorder& recorder)
    : parts_(std::move(parts)), recorder_(recorder) {}

Observers::~Observers() {
  static_cast<void>(stop(Deadline::never()));
}

void Observers::add(std::shared_ptr<Subscription> subscription, const Call& call) {
  if (joins_running(subscription, call)) return;
  gate::MutexLock lock(starting_);
  // Somebody else may have started it meanwhile.
  if (!joins_running(subscription, call)) start(std::move(subscription), call);
}

bool Observers::joins_running(const std::shared_ptr<Subscription>& subscription, const Call& call) {
  {
    gate::MutexLock lock(mutex_);
    if (stopping_) sqlite::raise_closed(call);
    if (!running_) return false;
    subscriptions_.push_back(subscription);
  }
  // It may want to be called at once.
  bell_->ring();
  return true;
}

void Observers::start(std::shared_ptr<Subscription> subscription, const Call& call) {
  std::thread former;
  {
    gate::MutexLock lock(mutex_);
    former = std::move(thread_);
  }
  if (former.joinable()) former.join();
  if (!bell_) bell_ = std::make_unique<Doorbell>();
  // First, so that a commit that the watch does not count as past is kept.
  own_.listen(true);
  try {
    std::unique_ptr<CommitWatch> watch = make_watch(call);
    gate::MutexLock lock(mutex_);
    if (stopping_) sqlite::raise_closed(call);
    Subscriptions first{std::move(subscription)};
    thread_ = std::thread([this, watch = std::move(watch)] { run(*watch); });
    subscriptions_.swap(first);
    running_ = true;
  } catch (...) {
    own_.listen(false);
    bell_->stop_listening();
    throw;
  }
}

std::unique_ptr<CommitWatch> Observers::make_watch(const Call& call) {
  static_cast<void>(own_.take_all());
  if (parts_.in_memory) return std::make_unique<CommitWatch>(own_);
  auto watch =
      std::make_unique<CommitWatch>(own_, parts_.connect(call), parts_.has_log, parts_.path);
  gate::sync_point("Observers::make_watch:before_listening");
  const std::string path = parts_.path.string() + (parts_.has_log ? "-wal" : "");
  if (!bell_->listen_to(path)) {
    log(LogEvent::Severity::Warning, "OBSERVER_POLLS",
        "the system does not tell who writes to " + path +
            ", so that commits of other processes are looked for every 50 ms");
  }
  return watch;
}

void Observers::forget_ended() noexcept {
  bell_->ring();
}

// ---- Closing ----

bool Observers::flush(Deadline deadline) {
  gate::MutexLock lock(mutex_);
  if (!running_) return true;
  // The round that goes on may have looked already.
  const std::uint64_t wanted = begun_ + 1;
  bell_->ring();
  while (running_ && done_ < wanted && !deadline.expired())
    changed_.wait_until(mutex_, deadline.within(1h));
  return !running_ || done_ >= wanted;
}

bool Observers::stop(Deadline deadline) noexcept {
  std::thread thread;
  {
    gate::MutexLock lock(mutex_);
    stopping_ = true;
    if (running_) bell_->ring();
    while (running_ && !deadline.expired())
      changed_.wait_until(mutex_, deadline.within(1h));
    if (running_) return false;
    thread = std::move(thread_);
  }
  if (thread.joinable()) thread.join();
  return true;
}

bool Observers::is_own_thread() const {
  gate::MutexLock lock(mutex_);
  return running_ && thread_.get_id() == std::this_thread::get_id();
}

// ---- The thread ----

void Observers::run(CommitWatch& watch) noexcept {
  std::chrono::nanoseconds pause = kShortestPause;
  Subscriptions subscriptions;
  while (begin_round(subscriptions)) {
    const bool found = look(watch, subscriptions);
    for (const std::shared_ptr<Subscription>& subscription : subscriptions)
      tell(*subscription);
    end_round();
    pause = found ? kShortestPause : std::min(2 * pause, longest_pause());
    // sleep: commits that come faster are told together.
    std::this_thread::sleep_for(kShortestPause);
    if (bell_->wait_for(pause)) pause = kShortestPause;
  }
}

bool Observers::begin_round(Subscriptions& subscriptions) {
  subscriptions.clear();  // Before the mutex: the last owner of what the program gave may be here.
  Subscriptions ended;
  gate::MutexLock lock(mutex_);
  const auto first_ended =
      std::stable_partition(subscriptions_.begin(), subscriptions_.end(),
                            [](const auto& subscription) { return !subscription->over(); });
  ended.assign(first_ended, subscriptions_.end());
  subscriptions_.erase(first_ended, subscriptions_.end());
  ++begun_;
  if (stopping_ || subscriptions_.empty()) {
    own_.listen(false);
    bell_->stop_listening();
    ended.insert(ended.end(), subscriptions_.begin(), subscriptions_.end());
    subscriptions_.clear();
    running_ = false;
    changed_.notify_all();
    return false;
  }
  subscriptions = subscriptions_;
  return true;
}

void Observers::end_round() noexcept {
  gate::MutexLock lock(mutex_);
  done_ = begun_;
  changed_.notify_all();
}

bool Observers::look(CommitWatch& watch, const Subscriptions& subscriptions) noexcept {
  try {
    const std::vector<SeenCommit> commits = watch.look();
    for (const std::shared_ptr<Subscription>& subscription : subscriptions)
      subscription->gather(commits, watch);
    return !commits.empty();
  } catch (const std::exception& error) {
    log(LogEvent::Severity::Error, "OBSERVER_FAILED",
        std::string("commits could not be looked for: ") + error.what());
    return false;
  }
}

void Observers::tell(Subscription& subscription) noexcept {
  try {
    if (subscription.deliver()) recorder_.on_observer_call(false);
  } catch (...) {
    recorder_.on_observer_call(true);
    log(LogEvent::Severity::Warning, "OBSERVER_FAILED",
        "the callback of an observation threw: " + sqlite::text_of(std::current_exception()));
  }
}

std::chrono::nanoseconds Observers::longest_pause() const noexcept {
  if (parts_.in_memory) return kForLong;
  return bell_->hears_file() ? kLongestPause : kPolling;
}

void Observers::log(LogEvent::Severity severity, std::string_view code,
                    std::string message) noexcept {
  if (!parts_.log_sink) return;
  try {
    parts_.log_sink({severity, code, std::move(message)});
  } catch (...) {
    // A sink that throws has nobody to be told to.
    return;
  }
}

}  // namespace turnstile::database
