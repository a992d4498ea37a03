#include "cron/engine/cron_engine.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>
#include <random>
#include <system_error>
#include <utility>

#include "cron/job/run_table.h"
#include "database/serialised_sink.h"
#include "gate/sync_point.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::detail {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// A system clock that is set forward is noticed within this time: no due time is waited for in one
// piece for longer.
constexpr std::chrono::seconds kLongestWait{30};
constexpr std::chrono::seconds kAfterFailure{1};

std::string make_owner() {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  std::random_device random;
  return std::to_string(::getpid()) + "@" + host.data() + "/" + std::to_string(random());
}

// What runs the payload of the kind `sql`.
CronHandler sql_handler(const Lane& lane, milliseconds default_timeout) {
  return [lane, default_timeout](CronRun& run) {
    const milliseconds timeout = run.job().spec.timeout.value_or(default_timeout);
    lane.write({.timeout = timeout, .stop = run.stop()}, [&run](WriteTx& tx) {
      tx.execute_script(run.payload());
      run.complete(tx);
    });
    return CronOutcome::done();
  };
}

CronOptions with_safe_sink(CronOptions options) {
  options.log_sink = database::serialised(std::move(options.log_sink));
  return options;
}

}  // namespace

/// What the scheduler's thread has before it when it looks at the file.
///
/// Threads: confined.
struct CronEngine::Round {
  State state;
  std::uint64_t wakes;
  bool stop_asked;
  bool out_of_patience;
  std::string kinds;
  std::string unusable;
  std::vector<CronExecution*> ended;
  std::vector<CronExecution*> going_on;
  std::vector<std::int64_t> run_ids;  // Of those that go on.
};

CronEngine::CronEngine(Lane lane, CronOptions options)
    : lane_(std::move(lane)), options_(with_safe_sink(std::move(options))), owner_(make_owner()) {
  handlers_.emplace("sql", sql_handler(lane_, options_.timeout));
}

CronEngine::~CronEngine() {
  (void)stop(milliseconds(0));
  std::thread ended;
  {
    gate::MutexLock lock(mutex_);
    while (state_ != State::Stopped)
      changed_.wait(mutex_);
    ended.swap(thread_);
  }
  if (ended.joinable()) ended.join();
}

CronEngine::TimePoint CronEngine::now() const {
  return std::chrono::floor<microseconds>(options_.now());
}

void CronEngine::handle(const std::string& kind, const CronHandler& handler,
                        std::source_location where) {
  Call call;
  call.lane = lane_.name();
  call.where = where;
  const bool separable =
      std::none_of(kind.begin(), kind.end(), [](char c) { return c >= '\0' && c < ' '; });
  if (kind.empty() || !separable || !handler)
    sqlite::raise_misuse(code("CRON_JOB_INVALID"),
                         "a handler needs a kind without control characters, and a function", call);
  gate::MutexLock lock(mutex_);
  if (!handlers_.try_emplace(kind, handler).second)
    sqlite::raise_misuse(code("CRON_HANDLER_EXISTS"),
                         "the kind '" + kind + "' has a handler already", call);
  ++wakes_;
  woken_.notify_all();
}

void CronEngine::start(std::source_location where) {
  check_jobs(where);
  // Not destroyed under the mutex, which its callback takes.
  Observation observation = lane_.observe(
      {"cron_job"}, [this](const Change&) { wake(); }, where);
  std::thread ended;
  {
    gate::MutexLock lock(mutex_);
    if (state_ == State::Started) return;
    if (state_ == State::Stopped) {
      ended.swap(thread_);
      thread_ = std::thread([this, observing = std::move(observation)] { run(); });
    }
    state_ = State::Started;
    ++wakes_;
    woken_.notify_all();
  }
  if (ended.joinable()) ended.join();
}

std::vector<std::string> CronEngine::stop(milliseconds deadline) {
  std::vector<std::string> still_running;
  std::thread ended;
  {
    gate::MutexLock lock(mutex_);
    const auto until = Steady::now() + deadline;
    if (state_ != State::Stopped) {
      state_ = State::Stopping;
      stop_asked_ = true;
      patience_ = until;
      ++wakes_;
      woken_.notify_all();
    }
    while (state_ != State::Stopped && Steady::now() < until)
      (void)changed_.wait_until(mutex_, until);
    if (state_ == State::Stopped) ended.swap(thread_);
    for (const auto& execution : executions_)
      if (!execution->is_over()) still_running.push_back(execution->job());
  }
  if (ended.joinable()) ended.join();
  return still_running;
}

void CronEngine::wake() {
  gate::MutexLock lock(mutex_);
  ++wakes_;
  woken_.notify_all();
}

bool CronEngine::wait_until_idle(milliseconds limit) {
  gate::MutexLock lock(mutex_);
  const std::uint64_t wake = ++wakes_;
  const auto until = Steady::now() + limit;
  woken_.notify_all();
  while (idle_ < wake && state_ == State::Started && Steady::now() < until)
    (void)changed_.wait_until(mutex_, until);
  return idle_ >= wake;
}

void CronEngine::run() {
  while (const auto round = next_round())
    wait_until(work(*round));
}

std::optional<CronEngine::Round> CronEngine::next_round() {
  gate::MutexLock lock(mutex_);
  const bool stop_asked = std::exchange(stop_asked_, false);
  if (state_ == State::Stopping && executions_.empty()) {
    state_ = State::Stopped;
    changed_.notify_all();
    return std::nullopt;
  }
  seen_wakes_ = wakes_;
  std::vector<std::string> kinds;
  for (const auto& [kind, handler] : handlers_)
    kinds.push_back(kind);
  Round round{.state = state_,
              .wakes = wakes_,
              .stop_asked = stop_asked || state_ == State::Stopping,
              .out_of_patience = state_ == State::Stopping && Steady::now() >= patience_,
              .kinds = cron::joined(kinds),
              .unusable = cron::joined(unusable_),
              .ended = {},
              .going_on = {},
              .run_ids = {}};
  for (const auto& execution : executions_) {
    (execution->is_over() ? round.ended : round.going_on).push_back(execution.get());
    if (!execution->is_over()) round.run_ids.push_back(execution->run_id());
  }
  return round;
}

CronEngine::Steady::time_point CronEngine::work(const Round& round) {
  try {
    const TimePoint now = this->now();
    notice_jumps(now);
    ask_to_stop(round);
    const bool claims = round.state == State::Started;
    const auto places = options_.max_running - static_cast<int>(round.going_on.size());
    const cron::Asking asking{.owner = owner_,
                              .kinds = round.kinds,
                              .unusable = round.unusable,
                              .own_runs = round.run_ids,
                              .now = now,
                              .free_places = claims ? places : 0,
                              .judge_from = judge_from_};
    const cron::Look found = lane_.read([&](ReadTx& tx) { return look(tx, asking); });
    cancel(round, found.given_up);
    const bool due = claims && found.next && *found.next <= now;
    const bool renews = !round.going_on.empty() && now >= renew_at_;
    if (round.ended.empty() && !due && !renews) {
      last_failure_.clear();
      gate::MutexLock lock(mutex_);
      if (claims && executions_.empty()) idle_ = round.wakes;
      changed_.notify_all();
      return next_look(claims ? found.next : std::nullopt, now);
    }
    gate::sync_point("CronEngine::work:visits");
    cron::Visit visited = visit(round, asking);
    gate::sync_point("CronEngine::work:visited");
    renew_at_ = now + options_.lease / 3;
    forget(round.ended);
    tell(visited);
    for (cron::Started& started : visited.started)
      begin(std::move(started));
    return Steady::now();
  } catch (const std::exception& failure) {
    give_up_after(failure, round);
    const bool is_last = round.out_of_patience && executions_.empty();
    return is_last ? Steady::now() : Steady::now() + kAfterFailure;
  }
}

void CronEngine::notice_jumps(TimePoint now) {
  const auto steady = Steady::now();
  if (last_look_) {
    const auto [steady_then, then] = *last_look_;
    const auto jump = (now - then) - (steady - steady_then);
    const milliseconds much = options_.lease / 2;
    // The clock was set, or the machine has slept: leases have run out without anybody's death, so
    // everybody has the time of a lease to renew his own.
    if (jump > much) judge_from_ = now + options_.lease;
    if (jump > much || jump < -much) renew_at_ = now;
  }
  last_look_.emplace(steady, now);
}

void CronEngine::ask_to_stop(const Round& round) {
  for (CronExecution* execution : round.going_on) {
    if (execution->asked_to_stop()) continue;
    if (Steady::now() >= execution->deadline())
      execution->time_out();
    else if (round.stop_asked)
      execution->ask_to_stop(CronStatus::Interrupted, "the scheduler was stopped");
  }
}

void CronEngine::cancel(const Round& round, const std::vector<std::int64_t>& run_ids) {
  for (CronExecution* execution : round.going_on)
    if (!execution->asked_to_stop() &&
        std::find(run_ids.begin(), run_ids.end(), execution->run_id()) != run_ids.end())
      execution->ask_to_stop(CronStatus::Cancelled, "the job was paused or removed");
}

cron::Visit CronEngine::visit(const Round& round, const cron::Asking& asking) const {
  return lane_.write([&](WriteTx& tx) {
    cron::Claims claims(tx, options_, asking);
    for (const CronExecution* execution : round.ended)
      claims.end(execution->ended_at(asking.now, options_.text_limit));
    claims.renew_leases();
    if (round.state == State::Started) {
      claims.bury_the_dead();
      claims.start_waiting();
      claims.claim_due();
    }
    return std::move(claims).result();
  });
}

CronEngine::Steady::time_point CronEngine::next_look(std::optional<TimePoint> due,
                                                     TimePoint now) const {
  Steady::duration wait = kLongestWait;
  if (due) wait = std::min<Steady::duration>(wait, *due - now);
  if (!executions_.empty()) wait = std::min<Steady::duration>(wait, renew_at_ - now);
  auto until = Steady::now() + std::max(wait, Steady::duration(0));
  for (const auto& execution : executions_)
    if (!execution->asked_to_stop()) until = std::min(until, execution->deadline());
  return until;
}

void CronEngine::wait_until(Steady::time_point time) {
  gate::MutexLock lock(mutex_);
  while (wakes_ == seen_wakes_ && Steady::now() < time)
    (void)woken_.wait_until(mutex_, time);
}

void CronEngine::give_up_after(const std::exception& failure, const Round& round) {
  const auto* const error = dynamic_cast<const Error*>(&failure);
  if (last_failure_ != failure.what())
    log(LogEvent::Severity::Error, error != nullptr ? error->code() : "CRON_FAILED",
        std::string("the file of the jobs cannot be used, which is tried again: ") +
            failure.what());
  last_failure_ = failure.what();
  // Nobody waits any more. Others will find out that the runs have ended when their leases do.
  if (round.out_of_patience) forget(round.ended);
}

void CronEngine::forget(const std::vector<CronExecution*>& executions) {
  std::list<std::unique_ptr<CronExecution>> forgotten;  // Joined outside the mutex.
  gate::MutexLock lock(mutex_);
  for (const CronExecution* execution : executions) {
    const auto at = std::find_if(executions_.begin(), executions_.end(),
                                 [&](const auto& entry) { return entry.get() == execution; });
    forgotten.splice(forgotten.end(), executions_, at);
  }
}

void CronEngine::begin(cron::Started started) {
  CronHandler handler;
  {
    gate::MutexLock lock(mutex_);
    handler = handlers_.find(started.job.spec.kind)->second;
  }
  const CronRecord record = started.record;
  auto execution =
      std::make_unique<CronExecution>(options_, std::move(started), std::move(handler));
  CronExecution& begun = *execution;
  {
    gate::MutexLock lock(mutex_);
    executions_.push_back(std::move(execution));
  }
  tell(record);
  try {
    begun.start([this, &begun] { execute(begun); });
  } catch (const std::system_error& error) {
    end(begun, CronOutcome::failed(std::string("no thread could be started: ") + error.what()));
  }
}

void CronEngine::execute(CronExecution& execution) noexcept {
  end(execution, execution.call_handler());
}

void CronEngine::end(CronExecution& execution, CronOutcome outcome) noexcept {
  gate::MutexLock lock(mutex_);
  execution.set(std::move(outcome));
  ++wakes_;
  woken_.notify_all();
}

void CronEngine::tell(const cron::Visit& visit) {
  for (const CronRecord& record : visit.settled)
    tell(record);
  for (const CronRecord& record : visit.lost)
    log(LogEvent::Severity::Warning, code("CRON_RUN_LOST"),
        "how the run " + std::to_string(record.id) + " of '" + record.job + "' ended (" +
            std::string(to_string(record.status)) +
            ") is not recorded: the job was removed, or the run was taken for dead");
  for (const auto& unusable : visit.unusable) {
    log(LogEvent::Severity::Warning, unusable.code, unusable.message);
    gate::MutexLock lock(mutex_);
    unusable_.push_back(unusable.version);
  }
}

void CronEngine::tell(const CronRecord& record) const {
  if (!options_.on_run) return;
  try {
    options_.on_run(record);
  } catch (const std::exception& error) {
    log(LogEvent::Severity::Warning, "CRON_CALLBACK_FAILED",
        std::string("on_run failed: ") + error.what());
  }
}

void CronEngine::log(LogEvent::Severity severity, std::string_view code,
                     std::string message) const {
  if (options_.log_sink) options_.log_sink({severity, code, std::move(message)});
}

void CronEngine::check_jobs(std::source_location where) {
  const auto jobs = lane_.read([](ReadTx& tx) { return cron::list_jobs(tx); }, where);
  for (const cron::JobRow& row : jobs) {
    const CronJobSpec& spec = row.job.spec;
    if (!row.job.enabled) continue;
    bool handled = false;
    {
      gate::MutexLock lock(mutex_);
      handled = handlers_.contains(spec.kind);
    }
    if (!handled) {
      log(LogEvent::Severity::Warning, "CRON_KIND_UNHANDLED",
          "the job '" + spec.name + "' is left to others: its kind '" + spec.kind +
              "' has no handler here");
      continue;
    }
    try {
      (void)row.schedule();
    } catch (const MisuseError& error) {
      const std::string what = "the job '" + spec.name + "': " + std::string(error.message());
      if (error.code() == code("CRON_ZONE_UNKNOWN")) {
        Call call;
        call.lane = lane_.name();
        call.where = where;
        sqlite::raise_misuse(error.code(), what, call, std::string(error.hint()));
      }
      log(LogEvent::Severity::Warning, error.code(), what);
      gate::MutexLock lock(mutex_);
      unusable_.push_back(cron::job_version(row.job));
    }
  }
}

}  // namespace turnstile::detail
