#include "database/writer.h"

#include <sys/prctl.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "database/lane_state.h"
#include "gate/file_locks.h"
#include "gate/sync_point.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::database {

using gate::Claim;
using gate::Wait;
using gate::WriterTurn;

namespace {

// How long close() waits for another process's turn before its last checkpoint.
constexpr std::chrono::seconds kGrace{1};
// A group's bounds: what it adds to the wait of its first member, and to the log.
constexpr std::size_t kLargestGroup = 256;
constexpr std::chrono::milliseconds kLongestGroup{5};
// How often the runner looks whether those it waits for are still there.
constexpr std::chrono::milliseconds kAttention{20};
// Whom a group has woken come back while the next one runs: to wait for all of them would leave the
// connection idle, to wait for none makes groups of one, each with a COMMIT of its own. Measured at
// 16 and 32 threads: for all 170,000 and 175,000 writes a second, for a half 189,000 and 179,000,
// for a quarter 220,000 and 263,000, for none 197,000 and 205,000. Fairness is the line's matter.
constexpr std::size_t kShareAwaited = 4;
constexpr std::size_t kFewestAwaited = 2;
constexpr int kLingeringYields = 16;
// Where yielding does not bring them, a large group is worth a sleep that is short beside it.
constexpr std::size_t kLargeGroup = 6;
constexpr std::chrono::microseconds kLongestLinger{50};

}  // namespace

/// For somebody who has the turn: gives it up in the end, with all that was entered.
///
/// Threads: confined.
class Writer::Permit {
 public:
  explicit Permit(Writer& writer) noexcept : writer_(writer) {
    writer_.alone_shown_.store(1, std::memory_order_relaxed);
  }
  ~Permit() { writer_.leave(); }
  Permit(const Permit&) = delete;
  Permit& operator=(const Permit&) = delete;

  /// The shared turn and the gate. Throws Timeout, Cancelled, StorageError.
  void enter(const Call& call, const Claim& claim, detail::FunctionRef<bool()> abandoned) {
    writer_.stage_.store(Stage::AtSharedTurn, std::memory_order_relaxed);
    writer_.shared_permit_.acquire(writer_.shared_turn_, gate::SharedTurn::Kind::Exclusive, call,
                                   claim);
    writer_.take_gate(call, claim, abandoned);
  }

 private:
  Writer& writer_;
};

/// While it exists, a stop may interrupt the connection for the sake of whoever has the turn.
///
/// Threads: confined.
class Writer::Interruptible {
 public:
  Interruptible(Writer& writer, const StoppablePlace& place) noexcept
      : writer_(writer), place_(place) {}
  ~Interruptible() {
    if (!place_.stoppable) return;
    writer_.turn_.forget_holder_place();
    if (place_.stopped.load(std::memory_order_relaxed)) writer_.connection_->clear_interrupt();
  }
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

 private:
  Writer& writer_;
  const StoppablePlace& place_;
};

Writer::Writer(Parts parts, const Options& options, const Location& location, Recorder& recorder)
    : options_(options),
      location_(location),
      turn_(parts.board->writers_waiting),
      shared_turn_(parts.shared_turn),
      gate_(std::move(parts.gate)),
      housekeeping_(options, recorder),
      connection_(std::move(parts.connection)),
      notes_(*connection_, gate_.get(), *parts.observers),
      group_({.database = parts.database,
              .rehearse = options.rehearse_closures,
              .sync_always = options.synchronous == Synchronous::Full || shared_turn_ != nullptr},
             *connection_, housekeeping_, notes_, recorder, parts.board->writer),
      recorder_(recorder),
      shown_call_(parts.board->writer),
      stage_(parts.board->stage),
      alone_shown_(parts.board->alone) {
  connection_->show_sql_in(&shown_call_.sql());
  if (shared_turn_ != nullptr) return;
  auto connect = [config = connection_->config()] {
    const Call opening;
    auto connection = std::make_unique<sqlite::Connection>(config, opening);
    connection->set_call(nullptr);  // It works for nobody, and waits for nothing.
    return connection;
  };
  checkpointer_ = std::make_unique<Checkpointer>(
      options, location.path.string(), connection_->query_integer("PRAGMA page_size"),
      parts.readers, std::move(connect), parts.board->wal);
}

Writer::~Writer() {
  stop_threads();
}

// ---- A call ----

void Writer::write(WriteJob& job) {
  start_runner();
  slow_down(job);
  std::optional<OnStop> on_stop;
  switch (const Wait outcome = get_turn(job, job.call(), on_stop)) {
    case Wait::Granted:
      return run_alone(job);
    case Wait::Done:
      if (job.error) std::rethrow_exception(std::exchange(job.error, nullptr));
      return;
    default:
      raise_no_turn(outcome, job.call());
  }
}

Wait Writer::get_turn(StoppablePlace& place, const Call& call, std::optional<OnStop>& on_stop) {
  if (call.stop.stop_requested()) return Wait::Cancelled;
  const WriterTurn::Entry entry = turn_.enter(place);
  if (entry == WriterTurn::Entry::Closed) return Wait::Closed;
  // Only now, when there is something to take it out of.
  if (place.stoppable) on_stop.emplace(call.stop, [this, &place] { stop(place); });
  return entry == WriterTurn::Entry::Granted ? Wait::Granted : turn_.wait(place, call.deadline);
}

void Writer::raise_no_turn(Wait outcome, const Call& call) const {
  switch (outcome) {
    case Wait::Closed:
      sqlite::raise_closed(call);
    case Wait::Cancelled:
      sqlite::raise_stopped(call);
    default:
      raise_turn_timeout(call);
  }
}

void Writer::run_alone(WriteJob& job) {
  Permit permit(*this);
  const Interruptible interruptible(*this, job);
  permit.enter(job.call(), job.claim(),
               [&job] { return job.stopped.load(std::memory_order_relaxed); });
  if (checkpointer_) checkpointer_->require_room(job.call());
  stage_.store(Stage::AtEngine, std::memory_order_relaxed);
  group_.begin(job.call());
  stage_.store(Stage::Working, std::memory_order_relaxed);
  alone_ = &job;
  slice_began_ = Clock::now();
  static_cast<void>(
      group_.run(job, job.lane().shares_transactions() ? nullptr : this, slice_began_));
  alone_ = nullptr;
  static_cast<void>(group_.commit());
  record(job);
  last_group_ = 1;
  if (checkpointer_) checkpointer_->after_commit(*connection_);
  if (job.error) std::rethrow_exception(std::exchange(job.error, nullptr));
}

void Writer::stop(StoppablePlace& place) noexcept {
  place.stopped.store(true, std::memory_order_relaxed);
  if (turn_.withdraw(place, Wait::Cancelled)) return;
  turn_.if_holder(place, [this] { connection_->interrupt(); });
  if (gate_) gate_->prod();
}

void Writer::with_connection(const Call& call, Use use, Priority priority) {
  const Claim claim = Claim::of_this_thread(call.lane, call.where, call.started);
  StoppablePlace place(gate::Place::Kind::Turn, priority, claim, call);
  std::optional<OnStop> on_stop;
  if (const Wait outcome = get_turn(place, call, on_stop); outcome != Wait::Granted)
    raise_no_turn(outcome, call);
  Permit permit(*this);
  const Interruptible interruptible(*this, place);
  permit.enter(call, claim, [&place] { return place.stopped.load(std::memory_order_relaxed); });
  stage_.store(Stage::Working, std::memory_order_relaxed);
  shown_call_.begin(claim, gate::this_thread_id(), Clock::now());
  use(*connection_, notes_);
  if (checkpointer_) checkpointer_->after_commit(*connection_);
}

// What can wait does not bring the log to its limit.
void Writer::slow_down(const WriteJob& job) const {
  if (!checkpointer_ || job.lane().options().priority != Priority::Bulk) return;
  const auto pause = checkpointer_->bulk_pause();
  // sleep: to be slow is what is wanted, and nobody could end it early.
  if (pause.count() > 0) std::this_thread::sleep_until(job.call().deadline.within(pause));
}

// Everything up to here is committed, and others go first.
bool Writer::yield(detail::WriteSession& session) {
  const bool others_wait = turn_.waiting() > 0 || (gate_ && gate_->others_wait());
  if (!others_wait || session.rehearsing || alone_ == nullptr) return false;
  WriteJob& job = *alone_;
  if (Clock::now() - slice_began_ < job.lane().options().budget) return false;
  if (!session.savepoints.empty()) {
    sqlite::raise_misuse(code("YIELD_IN_SAVEPOINT"),
                         "yield_point() was called while a savepoint was open", job.call());
  }
  group_.pause();
  for (auto& action : session.after_commit)
    session.committed.push_back(std::move(action));
  session.after_commit.clear();
  alone_ = nullptr;
  if (checkpointer_) checkpointer_->after_commit(*connection_);
  leave();
  slow_down(job);
  // Without a deadline: the closure is in the middle, and could not do anything without the turn.
  // The bound of overtaking holds for it as for everybody.
  if (turn_.enter(job, true) == WriterTurn::Entry::Queued)
    static_cast<void>(turn_.wait(job, Deadline::never()));
  alone_ = &job;
  alone_shown_.store(1, std::memory_order_relaxed);
  if (job.stopped.load(std::memory_order_relaxed)) sqlite::raise_stopped(job.call());
  job.call().deadline = Deadline::after(options_.busy_timeout);
  shared_permit_.acquire(shared_turn_, gate::SharedTurn::Kind::Exclusive, job.call(), job.claim());
  take_gate(job.call(), job.claim(),
            [&job] { return job.stopped.load(std::memory_order_relaxed); });
  stage_.store(Stage::AtEngine, std::memory_order_relaxed);
  group_.resume(job.call());
  stage_.store(Stage::Working, std::memory_order_relaxed);
  slice_began_ = Clock::now();
  shown_call_.begin(job.claim(), gate::this_thread_id(), slice_began_);
  return true;
}

// Before anybody stands in line for it: it may not be to be had.
void Writer::start_runner() {
  if (runner_started_.load(std::memory_order_acquire)) return;
  gate::MutexLock lock(threads_mutex_);
  if (runner_started_.load(std::memory_order_relaxed)) return;
  runner_ = std::thread([this] { serve(); });
  runner_started_.store(true, std::memory_order_release);
}

// ---- Submitted ----

bool Writer::submit(std::unique_ptr<SubmittedJob>& job) {
  start_runner();
  submitted_.fetch_add(1, std::memory_order_relaxed);
  if (turn_.enter(*job) == WriterTurn::Entry::Closed) {
    submitted_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  static_cast<void>(job.release());  // The line's own; conclude() takes it back.
  return true;
}

void Writer::run_submitted(std::unique_ptr<SubmittedJob> job) noexcept {
  job->lane().end_submission();
  // Its deadline begins with its turn: until then it costs nobody anything to wait.
  Call& call = job->call();
  if (call.deadline.is_never()) call.deadline = Deadline::after(options_.busy_timeout);
  job->error = exception_of([&] { detail::counting_failures(job->lane(), [&] { write(*job); }); });
  complete(std::move(job));
}

void Writer::complete(std::unique_ptr<SubmittedJob> job) noexcept {
  if (tell_runs_program(*job)) {
    try {
      return completions_.add(std::move(job));
    } catch (const std::exception&) {
      // No thread or no memory is to be had: better told here than never.
      return tell(*job);
    }
  }
  tell(*job);
}

void Writer::record(WriteJob& job) noexcept {
  if (job.began == Clock::time_point()) return;
  LaneRecorder& recorder = job.lane().recorder();
  const auto waited = job.began - job.call().started;
  const auto held = job.ended - job.began;
  job.error ? recorder.on_rollback(waited, held) : recorder.on_write(waited, held);
}

// Tells whoever waits for the job, which may be gone afterwards.
void Writer::conclude(WriteJob& job) noexcept {
  record(job);
  if (!job.is_detached()) return WriterTurn::finish(job);
  submitted_.fetch_sub(1, std::memory_order_relaxed);
  job.lane().end_submission();
  complete(std::unique_ptr<SubmittedJob>(static_cast<SubmittedJob*>(&job)));
}

// ---- The runner ----

void Writer::serve() {
  // By default the kernel prolongs a sleep by up to 50 us, which is as long as those of linger().
  ::prctl(PR_SET_TIMERSLACK, 1000UL, 0UL, 0UL, 0UL);
  while (turn_.await_runner_turn()) {
    serve_group();
    linger();
    leave();
  }
}

void Writer::serve_group() noexcept {
  last_group_ = 0;
  Call call;
  call.lane = "writer";
  call.timeout_code = code("WRITE_TIMEOUT");
  if (!prepare_group(call)) return;
  stage_.store(Stage::Working, std::memory_order_relaxed);
  const Clock::time_point began = Clock::now();
  // Where one ends the next one begins: to read the clock takes longer than much else here.
  Clock::time_point now = began;
  while (group_.may_grow() && may_grow(now - began)) {
    gate::Place* const next = turn_.take_work(now);
    if (next == nullptr) break;
    auto& job = static_cast<WriteJob&>(*next);
    if (job.is_detached() && now >= job.call().deadline.time()) {
      time_out(job);
      continue;
    }
    const bool is_member = group_.run(job, nullptr, now);
    now = job.ended;
    if (!is_member) conclude(job);  // At once: nothing of it is in the transaction.
  }
  conclude_group(began);
}

bool Writer::may_grow(Clock::duration age) const noexcept {
  if (group_.size() == 0) return true;
  if (group_.size() >= kLargestGroup) return false;
  if (gate_ && gate_->should_give()) return false;
  return age < kLongestGroup;
}

void Writer::conclude_group(Clock::time_point began) noexcept {
  const std::vector<WriteJob*>& done = group_.commit();
  turn_.expect_hold(Clock::now() - began);
  left_waiting_ = turn_.waiting();
  for (WriteJob* job : group_.lost())
    conclude(*job);
  for (WriteJob* job : done) {
    if (!job->is_detached()) ++last_group_;
    conclude(*job);
  }
  if (checkpointer_) checkpointer_->after_commit(*connection_);
  shared_permit_.release();
}

// The jobs stay in the line meanwhile: each can time out or be stopped there by itself. False when
// there is no transaction; whoever is concerned has been told.
bool Writer::prepare_group(Call& call) noexcept {
  const Clock::time_point start = call.started;
  try {
    Claim claim = turn_.holder().value_or(Claim::of_this_thread(call.lane, call.where, start));
    claim.thread_id = gate::this_thread_id();
    stage_.store(Stage::AtSharedTurn, std::memory_order_relaxed);
    call.deadline = Deadline::after(std::max(options_.busy_timeout, kAttention));
    shared_permit_.acquire(shared_turn_, gate::SharedTurn::Kind::Exclusive, call, claim);
    // Without a deadline of its own it keeps its place among the processes.
    call.deadline = Deadline::never();
    take_gate(call, claim, [this, start] {
      fail_overdue(start);
      return turn_.waiting() == 0;
    });
    if (checkpointer_) checkpointer_->require_room(call);
    stage_.store(Stage::AtEngine, std::memory_order_relaxed);
    if (begin_group(call)) return true;
  } catch (const Timeout&) {
    fail_overdue(start);
  } catch (const Cancelled&) {
    // Nobody waits any more, or the database is being closed, which tells them.
    static_cast<void>(call);
  } catch (...) {
    fail_one(std::current_exception());
  }
  shared_permit_.release();
  return false;
}

// In slices, to look in between whether anybody still waits. SQLite keeps no order for its lock
// that could be lost by that.
bool Writer::begin_group(Call& call) {
  for (;;) {
    call.deadline = Deadline::after(kAttention);
    try {
      group_.begin(call);
      return true;
    } catch (const Timeout&) {
      fail_overdue(call.started);
    }
    if (turn_.waiting() == 0) return false;
  }
}

// Those with a thread know their deadlines themselves. Of the others, one without a deadline may
// wait for its turn for as long as it takes, and for what keeps the turn from going on, since
// `start`, for as long as anybody.
void Writer::fail_overdue(Clock::time_point start) noexcept {
  const Clock::time_point now = Clock::now();
  const auto is_overdue = [&](const gate::Place& place) {
    const Deadline& deadline = static_cast<const WriteJob&>(place).call().deadline;
    if (!deadline.is_never()) return now >= deadline.time();
    return now - std::max(place.claim().since, start) >= options_.busy_timeout;
  };
  turn_.withdraw_detached(is_overdue,
                          [this](gate::Place& place) { time_out(static_cast<WriteJob&>(place)); });
}

void Writer::time_out(WriteJob& job) noexcept {
  job.error = exception_of([&] { raise_turn_timeout(job.call()); });
  job.lane().recorder().on_timeout();
  conclude(job);
}

// What is wrong with the file is wrong for all, but each attempt is somebody's.
void Writer::fail_one(const std::exception_ptr& error) noexcept {
  gate::Place* const next = turn_.take_work();
  if (next == nullptr) return;
  auto& job = static_cast<WriteJob&>(*next);
  job.error = error;
  conclude(job);
}

// Whom the last group has woken come back in a moment. Without this the first of them would find
// the turn free and go alone, and a process would give the gate up with its share of time unused.
void Writer::linger() noexcept {
  if (last_group_ <= 1) return;
  const std::size_t expected =
      std::max((last_group_ + left_waiting_) / kShareAwaited, kFewestAwaited);
  std::size_t seen = 0;
  int unchanged = 0;
  for (int i = 0; i < kLingeringYields && turn_.spin().allowed(); ++i) {
    const std::size_t now = turn_.waiting();
    if (now >= expected) return;
    unchanged = now == seen ? unchanged + 1 : 0;
    seen = now;
    if (unchanged >= 2 || !turn_.spin().yield()) break;
  }
  const bool others_wait = gate_ && gate_->others_wait() && !gate_->should_give();
  if (turn_.waiting() >= expected || (last_group_ < kLargeGroup && !others_wait)) return;
  turn_.await_arrivals(expected, Deadline::at(Clock::now() + kLongestLinger));
}

// ---- Who may go ----

void Writer::take_gate(const Call& call, const Claim& claim,
                       detail::FunctionRef<bool()> abandoned) {
  if (!gate_) return;
  stage_.store(Stage::AtGate, std::memory_order_relaxed);
  switch (gate_->take(claim, call.deadline, abandoned)) {
    case Wait::Granted:
      return note_order();
    case Wait::Cancelled:
      sqlite::raise_stopped(call);
    default:
      raise_turn_timeout(call);
  }
}

// Told once, and again when the gate had been in order meanwhile.
void Writer::note_order() noexcept {
  const gate::ProcessGate::Order order = gate_->order();
  const bool is_news = std::exchange(order_, order) != order;
  if (order == gate::ProcessGate::Order::Kept) return;
  recorder_.on_gate_bypass();
  if (!is_news || !options_.log_sink) return;
  try {
    const gate::GateView view = gate_->view();
    const std::string why =
        order == gate::ProcessGate::Order::Lost
            ? "its file was deleted or replaced and cannot be made anew"
            : (view.holder ? view.holder->as_holder("gate").describe() : "its holder") +
                  ", and stands still without a transaction";
    options_.log_sink({LogEvent::Severity::Warning, "GATE_BYPASSED",
                       "writes go on without the order of the gate between processes, because " +
                           why + "; SQLite's own lock keeps them apart"});
  } catch (...) {
    // Without memory there is no message; it is counted.
    return;
  }
}

// The gate stays with the turn when that is handed to somebody of this process who waits, unless
// another process has waited long enough.
void Writer::leave() noexcept {
  if (fork_guard_.forked())
    return;  // The turn and its mutex are as the parent's threads left them.
  shown_call_.end();
  alone_shown_.store(0, std::memory_order_relaxed);
  stage_.store(Stage::Idle, std::memory_order_relaxed);
  shared_permit_.release();
  if (gate_ && gate_->should_give()) gate_->give();
  if (turn_.hand_over()) return;
  if (gate_) gate_->give();
  turn_.leave();
}

Holder Writer::holder() const {
  switch (stage_.load(std::memory_order_relaxed)) {
    case Stage::AtSharedTurn:
      if (shared_turn_ != nullptr) return SharedPermit::holder_of(*shared_turn_);
      break;
    case Stage::AtGate: {
      const gate::GateView view = gate_->view();
      if (view.holder) return view.holder->as_holder("writer turn");
      break;
    }
    case Stage::AtEngine: {
      Holder holder = gate::find_stranger(location_.path);
      if (holder.kind != Holder::Kind::Unknown) return holder;
      break;
    }
    case Stage::Idle:
    case Stage::Working:
      break;
  }
  // The caller itself, when it was the gate that it waited for and nobody has that any more.
  const auto claim = turn_.holder();
  if (!claim || claim->thread_id == gate::this_thread_id()) return {};
  return claim->as_holder("writer turn");
}

void Writer::raise_turn_timeout(const Call& call) const {
  sqlite::raise_timeout(call, call.timeout_code, holder());
}

// ---- Closing ----

std::size_t Writer::cancel_waiting() {
  std::size_t detached = 0;
  turn_.cancel_waiting([&](gate::Place& place) {
    ++detached;
    auto& job = static_cast<WriteJob&>(place);
    job.error = exception_of([&] { sqlite::raise_closed(job.call()); });
    job.lane().recorder().on_cancelled();
    conclude(job);
  });
  connection_->interrupt();
  if (gate_) gate_->prod();
  return detached;
}

void Writer::stop_threads() noexcept {
  turn_.stop_runner();
  std::thread runner;
  {
    gate::MutexLock lock(threads_mutex_);
    runner = std::move(runner_);
  }
  if (runner.joinable()) runner.join();
  completions_.stop();
  if (checkpointer_) checkpointer_->stop();
}

void Writer::close_connection(const Call& call) noexcept {
  try {
    // Other processes' turns come first, within reason; SQLite's locks hold without the gate too.
    const Claim claim = Claim::of_this_thread(call.lane, call.where, call.started);
    if (checkpointer_ && gate_->take(claim, Deadline::after(kGrace)) == Wait::Granted)
      (void)connection_->checkpoint(sqlite::CheckpointMode::Passive);
  } catch (const Error&) {
    // Without the gate the file is closed all the same; SQLite copies the log itself then.
    static_cast<void>(call);
  }
  connection_.reset();
  if (gate_) gate_->give();
}

bool Writer::is_own_thread() const {
  {
    gate::MutexLock lock(threads_mutex_);
    if (runner_.get_id() == std::this_thread::get_id()) return true;
  }
  return completions_.is_own_thread();
}

}  // namespace turnstile::database
