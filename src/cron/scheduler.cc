// What a program calls: jobs and history go straight to the file, the rest to the engine.
#include <algorithm>
#include <utility>

#include "cron/engine/cron_engine.h"
#include "cron/job/job_table.h"
#include "cron/job/run_table.h"
#include "cron/job/schema.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "turnstile/cron.h"

namespace turnstile {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::size_t kLongestName = 255;
constexpr int kMostMissed = 10'000;
constexpr milliseconds kLongestJitter = std::chrono::hours(24);
constexpr milliseconds kLongestTimeout = std::chrono::hours(24) * 3660;
constexpr milliseconds kShortestLease = std::chrono::seconds(1);

Call call_from(const Lane& lane, std::source_location where) {
  Call call;
  call.lane = lane.name();
  call.where = where;
  return call;
}

CronOptions checked(CronOptions options, const Lane& lane, std::source_location where) {
  const auto require = [&](bool good, const char* what) {
    if (!good) sqlite::raise_misuse(code("OPTION_INVALID"), what, call_from(lane, where));
  };
  require(options.max_running >= 1 && options.max_running <= 1000,
          "CronOptions::max_running is not from 1 to 1000");
  require(options.timeout > milliseconds(0) && options.timeout <= kLongestTimeout,
          "CronOptions::timeout is not from 1 ms to ten years");
  require(options.grace >= milliseconds(0) && options.grace <= kLongestTimeout,
          "CronOptions::grace is not from 0 to ten years");
  require(options.lease >= kShortestLease && options.lease <= kLongestTimeout,
          "CronOptions::lease is not from 1 s to ten years");
  require(options.history_per_job >= 1, "CronOptions::history_per_job is not 1 or more");
  require(options.text_limit <= std::size_t{1} << 30U, "CronOptions::text_limit is above 1 GiB");
  require(options.now != nullptr, "CronOptions::now is empty");
  (void)TimeZone::find(options.zone, where);
  return options;
}

// `spec` with what it leaves to the options. Throws what Scheduler::add() does.
CronJobSpec checked(CronJobSpec spec, const CronOptions& options, const Call& call) {
  const auto require = [&](bool good, const char* what) {
    if (!good)
      sqlite::raise_misuse(code("CRON_JOB_INVALID"), "the job '" + spec.name + "' " + what, call);
  };
  const auto is_name = [](const std::string& text) {
    return !text.empty() && text.size() <= kLongestName;
  };
  require(is_name(spec.name), "has a name that is empty or longer than 255 bytes");
  require(is_name(spec.kind), "has a kind that is empty or longer than 255 bytes");
  require(!spec.timeout || (*spec.timeout > milliseconds(0) && *spec.timeout <= kLongestTimeout),
          "has a timeout that is not from 1 ms to ten years");
  require(spec.jitter >= milliseconds(0) && spec.jitter <= kLongestJitter,
          "has a jitter that is not from 0 to a day");
  require(spec.missed_limit >= 1 && spec.missed_limit <= kMostMissed,
          "has a missed_limit that is not from 1 to 10000");
  if (spec.zone.empty()) spec.zone = options.zone;
  const auto schedule = cron::Schedule::of(spec, {}, call.where);
  spec.schedule = schedule.expression.text();
  return spec;
}

template <class T>
std::optional<CronJob> job_of(std::optional<T> row) {
  return row ? std::optional(std::move(row->job)) : std::nullopt;
}

}  // namespace

std::optional<microseconds> CronRecord::duration() const noexcept {
  if (!started || !finished) return std::nullopt;
  return std::chrono::floor<microseconds>(*finished - *started);
}

CronOutcome CronOutcome::done(std::string text) {
  return {true, std::move(text)};
}
CronOutcome CronOutcome::failed(std::string text) {
  return {false, std::move(text)};
}

CronRun::CronRun(const CronOptions& options, CronJob job, CronRecord record,
                 std::stop_token stop) noexcept
    : options_(options), job_(std::move(job)), record_(std::move(record)), stop_(std::move(stop)) {}

void CronRun::complete(WriteTx& tx, std::string_view result) const {
  CronRecord ended = record_;
  ended.status = CronStatus::Done;
  ended.finished = std::chrono::floor<microseconds>(options_.now());
  ended.text = cron::bounded_text(result, options_.text_limit);
  const bool cancelled =
      tx.query<bool>("SELECT cancel FROM cron_run WHERE id = ?", record_.id).first().value_or(true);
  if (!cancelled && cron::end_run(tx, ended)) return;
  Error::Details details;
  details.code = code("CRON_RUN_LOST");
  details.message = "the run " + std::to_string(record_.id) + " of '" + record_.job +
                    "' was cancelled, or taken for dead";
  details.lane = tx.lane();
  throw Cancelled(std::move(details));
}

Scheduler::Scheduler(Lane lane, CronOptions options, std::source_location where) {
  options = checked(std::move(options), lane, where);
  // Tables of its own only: nothing in the file could be spoilt that a copy would save.
  lane.migrate(cron::kComponent, cron::cron_schema(), {.backup = false}, where);
  engine_ = std::make_unique<detail::CronEngine>(std::move(lane), std::move(options));
}

Scheduler::~Scheduler() = default;

void Scheduler::handle(const std::string& kind, const CronHandler& handler,
                       std::source_location where) {
  engine_->handle(kind, handler, where);
}

CronJob Scheduler::add(const CronJobSpec& spec, std::source_location where) {
  const CronJobSpec good = checked(spec, engine_->options(), call_from(engine_->lane(), where));
  return engine_->lane().write([&](WriteTx& tx) { return cron::put_job(tx, good, engine_->now()); },
                               where);
}

CronJob Scheduler::add(WriteTx& tx, const CronJobSpec& spec, std::source_location where) {
  return cron::put_job(tx, checked(spec, engine_->options(), call_from(engine_->lane(), where)),
                       engine_->now());
}

std::optional<CronJob> Scheduler::find(std::string_view name) const {
  return job_of(engine_->lane().read([&](ReadTx& tx) { return cron::find_job(tx, name); }));
}
std::optional<CronJob> Scheduler::find(std::int64_t id) const {
  return job_of(engine_->lane().read([&](ReadTx& tx) { return cron::find_job(tx, id); }));
}

std::vector<CronJob> Scheduler::list() const {
  const auto rows = engine_->lane().read([](ReadTx& tx) { return cron::list_jobs(tx); });
  std::vector<CronJob> jobs;
  for (const cron::JobRow& row : rows)
    jobs.push_back(row.job);
  return jobs;
}
std::vector<CronJob> Scheduler::list_enabled() const {
  std::vector<CronJob> jobs = list();
  std::erase_if(jobs, [](const CronJob& job) { return !job.enabled; });
  return jobs;
}

bool Scheduler::pause(std::string_view name) {
  return engine_->lane().write(
      [&](WriteTx& tx) { return cron::pause_job(tx, name, engine_->now()); });
}
bool Scheduler::resume(std::string_view name) {
  return engine_->lane().write(
      [&](WriteTx& tx) { return cron::resume_job(tx, name, engine_->now()); });
}
bool Scheduler::remove(std::string_view name) {
  return engine_->lane().write([&](WriteTx& tx) { return cron::remove_job(tx, name); });
}

std::vector<CronRecord> Scheduler::history(std::size_t limit) const {
  return engine_->lane().read([&](ReadTx& tx) { return cron::history(tx, std::nullopt, limit); });
}
std::vector<CronRecord> Scheduler::history(std::string_view name, std::size_t limit) const {
  return engine_->lane().read([&](ReadTx& tx) { return cron::history(tx, name, limit); });
}

std::vector<Scheduler::TimePoint> Scheduler::next_runs(std::string_view name,
                                                       std::size_t count) const {
  const auto row = engine_->lane().read([&](ReadTx& tx) { return cron::find_job(tx, name); });
  std::vector<TimePoint> times;
  if (!row || !row->job.enabled || !row->job.next_run || count == 0) return times;
  const cron::Schedule schedule = row->schedule();
  times = schedule.expression.next(*row->job.next_run, count - 1, schedule.zone);
  times.insert(times.begin(), *row->job.next_run);
  return times;
}

void Scheduler::start(std::source_location where) {
  engine_->start(where);
}
std::vector<std::string> Scheduler::stop(milliseconds deadline) {
  return engine_->stop(deadline);
}
void Scheduler::wake() {
  engine_->wake();
}
bool Scheduler::wait_until_idle(milliseconds limit) const {
  return engine_->wait_until_idle(limit);
}

}  // namespace turnstile
