#include "database/core.h"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <utility>

#include "database/migration/history.h"
#include "database/migration/plan.h"
#include "database/scope.h"
#include "database/session.h"
#include "gate/file_locks.h"
#include "gate/sync_point.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::detail {

using database::Attribution;
using database::Role;
using database::Scope;
using database::ScopeKind;
using database::SharedPermit;
using database::Writer;
using gate::Claim;
using gate::SharedTurn;
using gate::Wait;

namespace {

// The closure's own failure is the one to tell.
void run_quietly(const database::Actions& actions, const Call& call) {
  try {
    database::run_after_commit(actions, call);
  } catch (const Error&) {
    return;
  }
}

// How long a closure whose SQL was interrupted may take to let the exception out.
constexpr std::chrono::seconds kGrace{1};

using Clock = std::chrono::steady_clock;

}  // namespace

LaneState::LaneState(Core& core, std::string name, LaneOptions options,
                     database::LaneRecorder& recorder)
    : core_(core),
      name_(std::move(name)),
      options_(options),
      recorder_(recorder),
      worker_([this](auto job) { core_.run_submitted(std::move(job)); }) {}

bool LaneState::reserve_submission(const Call& call) {
  const auto reserve = [this] {
    std::size_t now = submitted_.load(std::memory_order_relaxed);
    while (now < options_.queue_limit)
      if (submitted_.compare_exchange_weak(now, now + 1, std::memory_order_relaxed)) return true;
    return false;
  };
  if (reserve()) return true;
  if (options_.when_full == WhenFull::Refuse) return false;
  const std::stop_callback on_stop(call.stop, [this] {
    gate::MutexLock lock(mutex_);
    room_.notify_all();
  });
  gate::MutexLock lock(mutex_);
  // Announced before the look, and the other side looks after it has made room.
  waiting_for_room_.fetch_add(1);
  bool reserved = false;
  while (!(reserved = reserve()) && !call.deadline.expired() && !call.stop.stop_requested())
    room_.wait_until(mutex_, call.deadline.within(std::chrono::hours(1)));
  waiting_for_room_.fetch_sub(1);
  return reserved;
}

void LaneState::end_submission() noexcept {
  submitted_.fetch_sub(1);
  if (waiting_for_room_.load() == 0) return;
  // With the mutex: who waits has either not looked yet, or sleeps.
  gate::MutexLock lock(mutex_);
  room_.notify_one();
}

Core::Core(database::Opened opened)
    : options_(database::with_careful_log(std::move(opened.options))),
      location_(std::move(opened.location)),
      has_wal_(opened.has_wal),
      writable_(opened.writer != nullptr),
      has_readers_(!opened.readers.empty()),
      reader_config_((opened.readers.empty() ? opened.writer : opened.readers.front())->config()),
      phases_(std::move(opened.phases)),
      settings_(std::move(opened.settings)),
      schema_version_(opened.schema_version) {
  const auto start = std::chrono::steady_clock::now();
  observers_ = make_observers(*this, opened, recorder_);
  if (!has_wal_) shared_turn_ = std::make_unique<SharedTurn>();
  for (const auto& reader : opened.readers)
    reader->set_call(nullptr);
  const std::size_t reader_count = opened.readers.size();
  readers_ = std::make_unique<gate::ReaderPool>(
      std::move(opened.readers), board_.page().reader_calls, &board_.page().readers_waiting);
  if (opened.writer) {
    opened.writer->set_call(nullptr);
    writer_ = std::make_unique<Writer>(Writer::Parts{.database = this,
                                                     .connection = std::move(opened.writer),
                                                     .gate = std::move(opened.gate),
                                                     .shared_turn = shared_turn_.get(),
                                                     .readers = readers_.get(),
                                                     .observers = observers_.get(),
                                                     .board = &board_.page()},
                                       options_, location_, recorder_);
  }
  board_.show(reader_count, writable_);
  phases_.push_back({"start",
                     std::chrono::duration_cast<std::chrono::microseconds>(
                         std::chrono::steady_clock::now() - start),
                     ""});
}

Core::~Core() = default;

LaneState& Core::lane(std::string_view name, LaneOptions options) {
  gate::MutexLock lock(lanes_mutex_);
  const auto found = lanes_.find(name);
  if (found != lanes_.end()) return found->second;
  return lanes_
      .try_emplace(std::string(name), *this, std::string(name), options, board_.add_lane(name))
      .first->second;
}

Call Core::make_call(std::string_view lane, const CallOptions& options,
                     std::string_view timeout_code, std::source_location where) const {
  Call call;
  call.lane = lane;
  call.where = where;
  call.deadline = Deadline::after(options.timeout.value_or(options_.busy_timeout), call.started);
  call.timeout_code = timeout_code;
  call.stop = options.stop;
  return call;
}

void Core::require_open(const Call& call) const {
  if (forked()) sqlite::raise_used_after_fork(call);
  if (!accepting_.load(std::memory_order_acquire))
    sqlite::raise_misuse(code("DB_CLOSED"), "the database is closed", call);
}

// ---- Reading ----

void Core::read(LaneState& lane, const CallOptions& options, FunctionRef<void(ReadTx&)> body,
                std::source_location where) {
  const Call call = make_call(lane.name(), options, code("READ_TIMEOUT"), where);
  require_open(call);
  const Scope scope(this, ScopeKind::Read, call, exclusive());
  counting_failures(lane, [&] {
    has_readers_ ? read_from_pool(lane, call, body) : read_from_writer(lane, call, body);
    lane.recorder().on_read();
  });
}

void Core::read_from_pool(LaneState& lane, const Call& call, FunctionRef<void(ReadTx&)> body) {
  const Claim claim = Claim::of_this_thread(call.lane, call.where, call.started);
  SharedPermit shared;
  shared.acquire(shared_turn_.get(), SharedTurn::Kind::Shared, call, claim);
  gate::ReaderPool::Lease lease;
  gate::sync_point("Core::read:before_lease");
  switch (readers_->lease(claim, call.deadline, lease, call.stop)) {
    case Wait::Granted:
      break;
    case Wait::TimedOut: {
      const auto oldest = readers_->oldest_holder();
      sqlite::raise_timeout(call, call.timeout_code,
                            oldest ? oldest->as_holder("reader") : Holder{});
    }
    case Wait::Cancelled:
      sqlite::raise_stopped(call);
    default:
      sqlite::raise_closed(call);
  }
  if (lease.had_to_wait()) lane.recorder().on_read_wait(Clock::now() - call.started);
  sqlite::Connection& connection = lease.connection();
  // The interrupt ends with the loan.
  const std::stop_callback on_stop(call.stop, [&connection] { connection.interrupt(); });
  read_on(connection, call, body);
}

void Core::read_from_writer(LaneState& lane, const Call& call, FunctionRef<void(ReadTx&)> body) {
  writer_->with_connection(call, [&](sqlite::Connection& connection, database::CommitNotes&) {
    lane.recorder().on_read_wait(Clock::now() - call.started);
    read_on(connection, call, body);
  });
}

void Core::read_on(sqlite::Connection& connection, const Call& call,
                   FunctionRef<void(ReadTx&)> body) {
  const Attribution attribution(connection, call, recorder_);
  if (const int began = connection.begin_deferred(); began != 0) sqlite::raise(connection, began);
  try {
    Session session(connection, call);
    session.must_not_write = !has_readers_;
    ReadTx tx(session);
    body(tx);
  } catch (...) {
    connection.clean_up();
    housekeeping_.after_use(connection, has_readers_ ? Role::Reader : Role::Writer);
    throw;
  }
  finish_read(connection);
}

void Core::finish_read(sqlite::Connection& connection) noexcept {
  bool was_clean = connection.reclaim_statements() == 0;
  // A read has nothing to commit, and nothing that could fail; clean_up() would see to it.
  static_cast<void>(connection.commit());
  was_clean = connection.clean_up() && was_clean;
  if (!was_clean) recorder_.on_repair();
  housekeeping_.after_use(connection, has_readers_ ? Role::Reader : Role::Writer);
}

void Core::read_aside(const Call& call, FunctionRef<void(sqlite::Connection&)> use) {
  require_open(call);
  const Scope scope(this, ScopeKind::Read, call, exclusive());
  const Claim claim = Claim::of_this_thread(call.lane, call.where, call.started);
  SharedPermit shared;
  shared.acquire(shared_turn_.get(), SharedTurn::Kind::Shared, call, claim);
  gate::ReaderPool::Guest guest(
      *readers_, database::connect(reader_config_, options_, Role::Reader, call), claim);
  if (!guest.enter()) sqlite::raise_closed(call);
  sqlite::Connection& connection = guest.connection();
  const Attribution attribution(connection, call, recorder_);
  const std::stop_callback on_stop(call.stop, [&connection] { connection.interrupt(); });
  if (const int began = connection.begin_deferred(); began != 0) sqlite::raise(connection, began);
  // Only the first read fixes the snapshot.
  static_cast<void>(connection.query_integer("SELECT count(*) FROM sqlite_schema"));
  use(connection);
}

// ---- Writing ----

void Core::write(LaneState& lane, const CallOptions& options, FunctionRef<void(WriteTx&)> body,
                 std::source_location where) {
  const Call call = make_call(lane.name(), options, code("WRITE_TIMEOUT"), where);
  require_open(call);
  if (!writable_) sqlite::raise_misuse(code("DB_READ_ONLY"), "the database is read-only", call);
  Scope::require_may_write(this, call, exclusive());
  const bool shares = lane.shares_transactions() && !options.stop.stop_possible();
  database::CalledJob job(shares ? gate::Place::Kind::Work : gate::Place::Kind::Turn, lane,
                          lane.options().priority, call,
                          Claim::of_this_thread(call.lane, call.where, call.started), body);
  job.durable = options.durability == Durability::Full;
  try {
    counting_failures(lane, [&] { writer_->write(job); });
  } catch (...) {
    // What yield_point() has committed stays so, and its actions are due.
    run_quietly(job.after_commit, call);
    throw;
  }
  database::run_after_commit(job.after_commit, call);
}

MigrationReport Core::migrate(std::string_view component, const Migrations& steps,
                              const MigrateOptions& options, std::source_location where) {
  database::validate_component(component, where);
  database::validate(steps, where);
  if (!writable_) return find_migrated(component, steps, where);
  const Call call = make_call(database::kMigrationLane, CallOptions{.timeout = options.timeout},
                              code("WRITE_TIMEOUT"), where);
  database::MigrationOutcome outcome;
  const auto run = [&](sqlite::Connection& connection, database::CommitNotes& notes) {
    outcome = database::migrate(connection, {.component = component,
                                             .steps = steps,
                                             .options = options,
                                             .check_foreign_keys = options_.foreign_keys,
                                             .file = location_.path,
                                             .commit = [&notes] { return notes.commit(); }});
  };
  with_writer(call, Priority::Normal, run);
  database::run_after_commit(outcome.after_commit, call);
  const MigrationReport& report = outcome.report;
  if (options.dry_run || report.steps.empty()) return report;
  if (component.empty()) schema_version_.store(report.now, std::memory_order_relaxed);
  if (options_.log_sink) {
    const std::string whose = component.empty() ? "" : " of " + std::string(component);
    options_.log_sink({LogEvent::Severity::Info, "SCHEMA_MIGRATED",
                       "schema" + whose + " " + database::describe(report)});
  }
  return report;
}

MigrationReport Core::find_migrated(std::string_view component, const Migrations& steps,
                                    std::source_location where) {
  const Call call = make_call(database::kMigrationLane, {}, code("READ_TIMEOUT"), where);
  const auto look = [&](ReadTx& tx) {
    const auto history = database::read_history(tx, component);
    for (const MigrationStatus& step : database::status_of(history, component, steps)) {
      if (step.state == MigrationState::Applied) continue;
      sqlite::raise_misuse(code("DB_READ_ONLY"),
                           "the database is read-only, and " +
                               database::title_of(step.version, step.name) + " is " +
                               std::string(to_string(step.state)) + " in it",
                           call);
    }
  };
  read(lane(call.lane, {}), {}, look, where);
  const auto version = static_cast<int>(steps.size());
  return {.found = version, .now = version};
}

void Core::with_writer(const Call& call, Priority priority, database::Writer::Use use) {
  require_open(call);
  if (!writable_) sqlite::raise_misuse(code("DB_READ_ONLY"), "the database is read-only", call);
  const Scope scope(this, ScopeKind::Write, call, exclusive());
  writer_->with_connection(
      call,
      [&](sqlite::Connection& connection, database::CommitNotes& notes) {
        const Attribution attribution(connection, call, recorder_);
        use(connection, notes);
      },
      priority);
}

void Core::submit(LaneState& lane, const CallOptions& options,
                  std::unique_ptr<SubmittedWrite> write, std::source_location where) {
  Call call = make_call(lane.name(), options, code("WRITE_TIMEOUT"), where);
  require_open(call);
  if (!writable_) sqlite::raise_misuse(code("DB_READ_ONLY"), "the database is read-only", call);
  Scope::require_may_submit(this, call, exclusive());
  if (!lane.reserve_submission(call)) {
    if (call.stop.stop_requested()) sqlite::raise_stopped(call);
    lane.recorder().on_queue_full();
    raise_queue_full(lane, call);
  }
  if (!options.timeout) call.deadline = Deadline::never();
  Claim claim = Claim::of_this_thread(call.lane, call.where, call.started);
  // It will run on another thread, and must not be taken for the caller's own claim.
  claim.thread_id = 0;
  const bool shares = lane.shares_transactions() && !options.stop.stop_possible();
  auto job = std::make_unique<database::SubmittedJob>(
      shares ? gate::Place::Kind::Detached : gate::Place::Kind::Turn, lane, lane.options().priority,
      call, claim, std::move(write));
  job->durable = options.durability == Durability::Full;
  if (!shares) return submit_alone(lane, std::move(job));
  if (writer_->submit(job)) return;
  lane.end_submission();
  sqlite::raise_closed(call);
}

void Core::submit_alone(LaneState& lane, std::unique_ptr<database::SubmittedJob> job) {
  try {
    lane.worker().add(std::move(job));
  } catch (...) {
    lane.end_submission();
    throw;
  }
}

void Core::run_submitted(std::unique_ptr<database::SubmittedJob> job) noexcept {
  writer_->run_submitted(std::move(job));
}

void Core::raise_queue_full(const LaneState& lane, const Call& call) {
  Error::Details details;
  details.code = code("QUEUE_FULL");
  details.message = "lane '" + std::string(lane.name()) + "' has " +
                    std::to_string(lane.options().queue_limit) + " submitted closures waiting";
  details.lane = lane.name();
  details.where = call.where;
  details.retry_is_safe = true;
  throw QueueFull(std::move(details));
}

// ---- Ending ----

// Only where a reader is free at this moment: a picture is not worth waiting for, and the caller
// may be inside a read that holds the last one.
void Core::count_free_pages(DatabaseInfo& info, const Call& call) {
  if (!has_readers_ || shared_turn_) return;
  gate::ReaderPool::Lease lease;
  const Claim claim = Claim::of_this_thread(call.lane, call.where, call.started);
  if (readers_->lease(claim, call.deadline, lease) != Wait::Granted) return;
  const Attribution attribution(lease.connection(), call, recorder_);
  try {
    info.free_pages = lease.connection().query_integer("PRAGMA freelist_count");
  } catch (const Timeout&) {
    info.free_pages = -1;
  }
}

CloseReport Core::close(std::chrono::milliseconds drain, std::source_location where) {
  Call call;
  call.lane = "close";
  call.where = where;
  call.deadline = Deadline::after(drain);
  call.timeout_code = code("CLOSE_TIMEOUT");
  CloseReport report;
  report.was_last_handle = true;
  // What was committed until now is told while its observers can still read.
  static_cast<void>(observers_->flush(call.deadline));
  accepting_.store(false, std::memory_order_release);
  if (writer_) stop_writers(report, call);
  static_cast<void>(observers_->flush(call.deadline));
  static_cast<void>(observers_->stop(Deadline::after(std::chrono::milliseconds(0))));
  stop_readers(report, call);
  stop_observers(call);
  report.checkpointed = close_files(call);
  return report;
}

void Core::stop_writers(CloseReport& report, const Call& call) {
  std::size_t waiting = writer_->submitted();
  for (const LaneState* lane : lanes())
    waiting += lane->worker().waiting();
  // These stand in line anew for each closure, so that they come first.
  bool drained = drain_lane_workers(call.deadline);
  writer_->refuse_new();
  gate::sync_point("Core::close:draining");
  drained = drained && writer_->wait_until_idle(call.deadline);
  if (!drained) {
    report.cancelled = cancel_lane_workers() + writer_->cancel_waiting();
    ++report.interrupted;
    // Without a write-ahead log the writer may be waiting for readers.
    if (shared_turn_) report.interrupted += readers_->interrupt_leased();
    if (!writer_->wait_until_idle(Deadline::after(kGrace))) writer_->raise_turn_timeout(call);
    writer_->clear_interrupt();
  }
  report.drained = waiting - std::min(waiting, report.cancelled);
}

std::vector<LaneState*> Core::lanes() {
  gate::MutexLock lock(lanes_mutex_);
  std::vector<LaneState*> all;
  for (auto& [name, lane] : lanes_)
    all.push_back(&lane);
  return all;
}

bool Core::drain_lane_workers(Deadline deadline) {
  for (LaneState* lane : lanes())
    if (!lane->worker().wait_until_idle(deadline)) return false;
  return true;
}

std::size_t Core::cancel_lane_workers() {
  std::size_t count = 0;
  for (LaneState* lane : lanes()) {
    for (std::unique_ptr<database::SubmittedJob>& job : lane->worker().take_waiting()) {
      ++count;
      lane->end_submission();
      lane->recorder().on_cancelled();
      job->error = database::exception_of([&] { sqlite::raise_closed(job->call()); });
      writer_->complete(std::move(job));
    }
  }
  return count;
}

void Core::stop_readers(CloseReport& report, const Call& call) {
  bool idle = readers_->wait_until_idle(call.deadline);
  readers_->close();
  // Somebody may have got a reader between the two.
  idle = idle && readers_->wait_until_idle(call.deadline);
  if (idle) return;
  report.interrupted += readers_->interrupt_leased();
  if (readers_->wait_until_idle(Deadline::after(kGrace))) return;
  const auto oldest = readers_->oldest_holder();
  sqlite::raise_timeout(call, call.timeout_code, oldest ? oldest->as_holder("reader") : Holder{});
}

// Nobody else of this process uses the file any more. True when the log is gone, which SQLite sees
// to itself when the last connection of all processes closes.
bool Core::close_files(const Call& call) noexcept {
  board_.hide();
  for (LaneState* lane : lanes())
    lane->worker().stop();
  if (writer_) writer_->stop_threads();
  readers_->close_connections();
  if (writer_) writer_->close_connection(call);
  if (protection()) protection()->end();
  if (location_.in_memory) return false;
  std::error_code error;
  return !std::filesystem::exists(location_.path.string() + "-wal", error);
}

void Core::close_when_idle() noexcept {
  if (writer_) (void)writer_->wait_until_idle(Deadline::never());
  static_cast<void>(observers_->stop(Deadline::never()));
  readers_->close();
  (void)readers_->wait_until_idle(Deadline::never());
  Call call;
  call.lane = "close";
  (void)close_files(call);
}

bool Core::must_not_wait_here() {
  if (Scope::find(this) != nullptr) return true;
  if (writer_ && writer_->is_own_thread()) return true;
  if (observers_->is_own_thread()) return true;
  for (LaneState* lane : lanes())
    if (lane->worker().is_own_thread()) return true;
  return false;
}

}  // namespace turnstile::detail
