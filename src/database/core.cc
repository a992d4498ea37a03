#include "database/core.h"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <utility>

#include "database/scope.h"
#include "database/session.h"
#include "gate/file_locks.h"
#include "gate/sync_point.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::detail {

using database::Scope;
using database::ScopeKind;
using gate::Claim;
using gate::SharedTurn;
using gate::Wait;

namespace {

// How long a closure whose SQL was interrupted may take to let the exception out.
constexpr std::chrono::seconds kGrace{1};

using Clock = std::chrono::steady_clock;

/// Lends a connection to a call: its errors and waits refer to the call, which then counts them.
class Attribution {
 public:
  Attribution(sqlite::Connection& connection, const Call& call,
              database::Recorder& recorder) noexcept
      : connection_(connection), recorder_(recorder), before_(connection.waits()) {
    connection.set_call(&call);
  }
  ~Attribution() {
    connection_.set_call(nullptr);
    recorder_.on_engine_waits(connection_.waits() - before_);
  }
  Attribution(const Attribution&) = delete;
  Attribution& operator=(const Attribution&) = delete;

 private:
  sqlite::Connection& connection_;
  database::Recorder& recorder_;
  const std::uint64_t before_;
};

}  // namespace

bool LaneState::try_reserve_submission() noexcept {
  std::size_t now = submitted_.load(std::memory_order_relaxed);
  while (now < options_.queue_limit)
    if (submitted_.compare_exchange_weak(now, now + 1, std::memory_order_relaxed)) return true;
  return false;
}

/// The shared turn, where there is no write-ahead log.
class Core::SharedPermit {
 public:
  SharedPermit() = default;
  ~SharedPermit() { release(); }
  SharedPermit(const SharedPermit&) = delete;
  SharedPermit& operator=(const SharedPermit&) = delete;

  void acquire(SharedTurn& turn, SharedTurn::Kind kind, const Call& call, const Claim& claim) {
    if (turn.acquire(kind, claim, call.deadline) != Wait::Granted) {
      const auto holder = turn.holder();
      sqlite::raise_timeout(call, call.timeout_code,
                            holder ? holder->as_holder("turn, which all share without a "
                                                       "write-ahead log")
                                   : Holder{});
    }
    turn_ = &turn;
    kind_ = kind;
  }
  void release() noexcept {
    if (turn_ != nullptr) std::exchange(turn_, nullptr)->release(kind_);
  }

 private:
  SharedTurn* turn_ = nullptr;
  SharedTurn::Kind kind_ = SharedTurn::Kind::Shared;
};

/// Everything that a write needs before BEGIN: the turn, the shared turn, the gate. Given up in the
/// reverse order. The gate stays with the turn when that is handed to somebody of this process who
/// waits, unless another process has waited long enough.
class Core::WritePermit {
 public:
  struct Granted {};  // The turn is the caller's already.

  WritePermit(Core& core, const Call& call, const Claim& claim) : core_(core) {
    switch (core.turn_.acquire(claim, call.deadline)) {
      case Wait::Granted:
        break;
      case Wait::TimedOut:
        core.raise_turn_timeout(call);
      case Wait::Closed:
      case Wait::Cancelled:  // Never by this one.
        core.raise_closed(call);
    }
    enter(call, claim);
  }

  WritePermit(Core& core, const Call& call, const Claim& claim, Granted /*tag*/) : core_(core) {
    enter(call, claim);
  }

  ~WritePermit() { leave(); }
  WritePermit(const WritePermit&) = delete;
  WritePermit& operator=(const WritePermit&) = delete;

 private:
  void enter(const Call& call, const Claim& claim) {
    try {
      if (core_.shared_turn_)
        shared_.acquire(*core_.shared_turn_, SharedTurn::Kind::Exclusive, call, claim);
      if (core_.gate_) enter_gate(call, claim);
    } catch (...) {
      leave();
      throw;
    }
  }

  void enter_gate(const Call& call, const Claim& claim) {
    core_.stage_.store(Stage::AtGate, std::memory_order_relaxed);
    if (core_.gate_->take(claim, call.deadline) != Wait::Granted) core_.raise_turn_timeout(call);
  }

  void leave() noexcept {
    if (core_.forked()) return;  // The turn and its mutex are as the parent's threads left them.
    core_.stage_.store(Stage::Idle, std::memory_order_relaxed);
    shared_.release();
    if (core_.gate_ && core_.gate_->should_give()) core_.gate_->give();
    if (core_.turn_.hand_over()) return;
    if (core_.gate_) core_.gate_->give();
    core_.turn_.release();
  }

  Core& core_;
  SharedPermit shared_;
};

Core::Core(database::Opened opened)
    : options_(std::move(opened.options)),
      location_(std::move(opened.location)),
      has_wal_(opened.has_wal),
      writable_(opened.writer != nullptr),
      schema_version_(opened.schema_version),
      phases_(std::move(opened.phases)),
      settings_(std::move(opened.settings)),
      gate_(std::move(opened.gate)),
      writer_(std::move(opened.writer)) {
  const auto start = std::chrono::steady_clock::now();
  if (writer_) writer_->set_call(nullptr);
  for (const auto& reader : opened.readers)
    reader->set_call(nullptr);
  if (!opened.readers.empty())
    readers_ = std::make_unique<gate::ReaderPool>(std::move(opened.readers));
  if (!has_wal_) shared_turn_ = std::make_unique<SharedTurn>();
  if (writer_) {
    submitter_ = std::make_unique<database::Submitter>(*this, turn_);
    if (has_wal_) {
      auto connect = [config = writer_->config()] {
        return std::make_unique<sqlite::Connection>(config, Call{});
      };
      checkpointer_ = std::make_unique<database::Checkpointer>(
          options_.checkpoint_frames, std::move(connect), options_.log_sink);
    }
  }
  phases_.push_back({"start",
                     std::chrono::duration_cast<std::chrono::microseconds>(
                         std::chrono::steady_clock::now() - start),
                     ""});
}

// After a close that timed out, the last user of the core ends up here.
Core::~Core() {
  if (submitter_) submitter_->stop();
  if (checkpointer_) checkpointer_->stop();
}

LaneState& Core::lane(std::string_view name, LaneOptions options) {
  gate::MutexLock lock(lanes_mutex_);
  const auto found = lanes_.find(name);
  if (found != lanes_.end()) return found->second;
  return lanes_.try_emplace(std::string(name), *this, std::string(name), options).first->second;
}

Call Core::make_call(std::string_view lane, const CallOptions& options,
                     std::string_view timeout_code, std::source_location where) const {
  Call call;
  call.lane = lane;
  call.where = where;
  call.deadline = Deadline::after(options.timeout.value_or(options_.busy_timeout), call.started);
  call.timeout_code = timeout_code;
  return call;
}

void Core::require_open(const Call& call) const {
  if (forked()) sqlite::raise_used_after_fork(call);
  if (!accepting_.load(std::memory_order_acquire))
    sqlite::raise_misuse(code("DB_CLOSED"), "the database is closed", call);
}

void Core::raise_closed(const Call& call) const {
  Error::Details details;
  details.code = code("CANCELLED");
  details.message = "the database was closed while this call waited";
  details.lane = call.lane;
  details.where = call.where;
  throw Cancelled(std::move(details));
}

Holder Core::writer_holder() const {
  const Stage stage = stage_.load(std::memory_order_relaxed);
  if (stage == Stage::AtGate) {
    const gate::GateView view = gate_->view();
    if (view.holder) return view.holder->as_holder("writer turn");
  }
  if (stage == Stage::AtEngine) {
    Holder holder = gate::find_foreign_holder(location_.path, false);
    if (holder.kind != Holder::Kind::Unknown) return holder;
  }
  // The caller itself, when it was the gate that it waited for and nobody has that any more.
  const auto claim = turn_.holder();
  if (!claim || claim->thread_id == gate::this_thread_id()) return {};
  return claim->as_holder("writer turn");
}

void Core::raise_turn_timeout(const Call& call) const {
  sqlite::raise_timeout(call, call.timeout_code, writer_holder());
}

// ---- Reading ----

void Core::read(LaneState& lane, const CallOptions& options, FunctionRef<void(ReadTx&)> body,
                std::source_location where) {
  const Call call = make_call(lane.name(), options, code("READ_TIMEOUT"), where);
  require_open(call);
  const Scope scope(this, ScopeKind::Read, call, exclusive());
  try {
    readers_ ? read_from_pool(lane, call, body) : read_from_writer(lane, call, body);
    lane.recorder().on_read();
  } catch (const Timeout&) {
    lane.recorder().on_timeout();
    throw;
  } catch (const Cancelled&) {
    lane.recorder().on_cancelled();
    throw;
  }
}

void Core::read_from_pool(LaneState& lane, const Call& call, FunctionRef<void(ReadTx&)> body) {
  const Claim claim = Claim::of_this_thread(call.lane, call.where, call.started);
  SharedPermit shared;
  if (shared_turn_) shared.acquire(*shared_turn_, SharedTurn::Kind::Shared, call, claim);
  gate::ReaderPool::Lease lease;
  gate::sync_point("Core::read:before_lease");
  switch (readers_->lease(claim, call.deadline, lease)) {
    case Wait::Granted:
      break;
    case Wait::TimedOut: {
      const auto oldest = readers_->oldest_holder();
      sqlite::raise_timeout(call, call.timeout_code,
                            oldest ? oldest->as_holder("reader") : Holder{});
    }
    case Wait::Closed:
    case Wait::Cancelled:  // Never by this one.
      raise_closed(call);
  }
  if (lease.had_to_wait()) lane.recorder().on_read_wait(Clock::now() - call.started);
  read_on(lease.connection(), call, body);
}

void Core::read_from_writer(LaneState& lane, const Call& call, FunctionRef<void(ReadTx&)> body) {
  const Claim claim = Claim::of_this_thread(call.lane, call.where, call.started);
  const WritePermit permit(*this, call, claim);
  lane.recorder().on_read_wait(Clock::now() - call.started);
  read_on(*writer_, call, body);
}

void Core::read_on(sqlite::Connection& connection, const Call& call,
                   FunctionRef<void(ReadTx&)> body) {
  const Attribution attribution(connection, call, recorder_);
  if (const int began = connection.begin_deferred(); began != 0) sqlite::raise(connection, began);
  try {
    Session session(connection, call);
    session.must_not_write = &connection == writer_.get();
    ReadTx tx(session);
    body(tx);
  } catch (...) {
    connection.clean_up();
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
}

// ---- Writing ----

void Core::write(LaneState& lane, const CallOptions& options, FunctionRef<void(WriteTx&)> body,
                 std::source_location where) {
  const Call call = make_call(lane.name(), options, code("WRITE_TIMEOUT"), where);
  require_open(call);
  if (!writable_) sqlite::raise_misuse(code("DB_READ_ONLY"), "the database is read-only", call);
  Actions after_commit;
  try {
    const Scope scope(this, ScopeKind::Write, call, exclusive());
    const Claim claim = Claim::of_this_thread(call.lane, call.where, call.started);
    const WritePermit permit(*this, call, claim);
    after_commit = write_on_writer(lane, call, body);
  } catch (const Timeout&) {
    lane.recorder().on_timeout();
    throw;
  } catch (const Cancelled&) {
    lane.recorder().on_cancelled();
    throw;
  }
  run_after_commit(after_commit, call);
}

Core::Actions Core::write_on_writer(LaneState& lane, const Call& call,
                                    FunctionRef<void(WriteTx&)> body) {
  const Attribution attribution(*writer_, call, recorder_);
  stage_.store(Stage::AtEngine, std::memory_order_relaxed);
  gate::sync_point("Core::write:before_begin");
  if (const int result = writer_->begin_immediate(); result != 0) sqlite::raise(*writer_, result);
  stage_.store(Stage::Working, std::memory_order_relaxed);
  const Clock::time_point began = Clock::now();
  Clock::time_point ended;  // Of the closure; the epoch while it runs.
  WriteSession session(*writer_, call);
  try {
    WriteTx tx(session);
    body(tx);
    gate::sync_point("Core::write:before_commit");
    ended = Clock::now();
    commit(call);
  } catch (...) {
    if (ended == Clock::time_point()) ended = Clock::now();
    writer_->clean_up();
    lane.recorder().on_rollback(began - call.started, ended - began);
    throw;
  }
  lane.recorder().on_write(began - call.started, ended - began);
  recorder_.on_commit(Clock::now() - ended, 1);
  if (checkpointer_) checkpointer_->after_commit(*writer_);
  return std::move(session.after_commit);
}

void Core::commit(const Call& call) {
  if (!writer_->in_transaction()) {
    sqlite::raise_misuse(code("TRANSACTION_LOST"),
                         "SQLite rolled the transaction back after an error that the closure "
                         "did not let through",
                         call);
  }
  if (writer_->reclaim_statements() > 0) recorder_.on_repair();
  const int done = writer_->commit();
  if (done == 0) return;
  sqlite::raise(*writer_, done, {}, {.commit_state = sqlite::commit_state_after(done)});
}

void Core::run_after_commit(const Actions& actions, const Call& call) {
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

void Core::submit(LaneState& lane, std::unique_ptr<SubmittedWrite> write,
                  std::source_location where) {
  const Call call = make_call(lane.name(), {}, code("WRITE_TIMEOUT"), where);
  require_open(call);
  if (!writable_) sqlite::raise_misuse(code("DB_READ_ONLY"), "the database is read-only", call);
  Scope::require_may_submit(this, call, exclusive());
  if (!lane.try_reserve_submission()) {
    lane.recorder().on_queue_full();
    Error::Details details;
    details.code = code("QUEUE_FULL");
    details.message = "lane '" + std::string(lane.name()) + "' has " +
                      std::to_string(lane.options().queue_limit) + " submitted closures waiting";
    details.lane = lane.name();
    details.where = where;
    details.retry_is_safe = true;
    throw QueueFull(std::move(details));
  }
  if (!submitter_->enqueue(lane, std::move(write), where)) raise_closed(call);
}

std::optional<Core::Actions> Core::run_granted(LaneState& lane, SubmittedWrite& write,
                                               const Claim& claim) noexcept {
  // Its deadline begins with its turn: until then it costs nobody anything to wait.
  const Call call = make_call(claim.lane, {}, code("WRITE_TIMEOUT"), claim.where);
  try {
    const WritePermit permit(*this, call, claim, WritePermit::Granted{});
    const Scope scope(this, ScopeKind::Write, call, exclusive());
    return write_on_writer(lane, call, [&write](WriteTx& tx) { write.run(tx); });
  } catch (const Timeout&) {
    lane.recorder().on_timeout();
    write.failed(std::current_exception());
  } catch (const Cancelled&) {
    lane.recorder().on_cancelled();
    write.failed(std::current_exception());
  } catch (...) {
    write.failed(std::current_exception());
  }
  return std::nullopt;
}

void Core::complete(SubmittedWrite& write, const Actions& actions, const Claim& claim) noexcept {
  Call call;
  call.lane = claim.lane;
  call.where = claim.where;
  try {
    run_after_commit(actions, call);
    write.committed();
  } catch (...) {
    write.failed(std::current_exception());
  }
}

// ---- Ending ----

// Only where a reader is free at this moment: a picture is not worth waiting for, and the caller
// may be inside a read that holds the last one.
void Core::count_free_pages(DatabaseInfo& info, const Call& call) {
  if (!readers_ || shared_turn_) return;
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
  accepting_.store(false, std::memory_order_release);
  if (writer_) stop_writers(report, call);
  if (readers_) stop_readers(report, call);
  report.checkpointed = close_files(call);
  return report;
}

// Queues for the turn behind everything that came before; having it means that all of that is done.
void Core::stop_writers(CloseReport& report, const Call& call) {
  const std::size_t waiting = submitter_->waiting();
  const Claim claim = Claim::of_this_thread(call.lane, call.where, call.started);
  const bool drained = turn_.acquire(claim, call.deadline) == Wait::Granted;
  turn_.close();
  if (drained) {
    turn_.release();
  } else {
    report.cancelled = submitter_->cancel_waiting([] {
      Error::Details details;
      details.code = code("CANCELLED");
      details.message = "the database was closed before this submitted closure ran";
      return std::make_exception_ptr(Cancelled(std::move(details)));
    });
    writer_->interrupt();
    ++report.interrupted;
    // Without a write-ahead log the writer may be waiting for readers.
    if (shared_turn_ && readers_) report.interrupted += readers_->interrupt_leased();
    if (!turn_.wait_until_free(Deadline::after(kGrace))) raise_turn_timeout(call);
    writer_->clear_interrupt();
  }
  report.drained = waiting - std::min(waiting, report.cancelled);
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
  if (submitter_) submitter_->stop();
  if (checkpointer_) checkpointer_->stop();
  if (readers_) readers_->close_connections();
  try {
    // Other processes' turns come first, within reason; SQLite's locks hold without the gate too.
    const Claim claim = Claim::of_this_thread(call.lane, call.where, call.started);
    if (checkpointer_ && gate_->take(claim, Deadline::after(kGrace)) == Wait::Granted)
      (void)writer_->checkpoint(sqlite::CheckpointMode::Passive);
  } catch (const Error&) {
    // Without the gate the file is closed all the same; SQLite copies the log itself then.
    static_cast<void>(call);
  }
  writer_.reset();
  if (gate_) gate_->give();
  if (location_.in_memory) return false;
  std::error_code error;
  return !std::filesystem::exists(location_.path.string() + "-wal", error);
}

void Core::close_when_idle() noexcept {
  if (writer_) (void)turn_.wait_until_free(Deadline::never());
  if (readers_) {
    readers_->close();
    (void)readers_->wait_until_idle(Deadline::never());
  }
  Call call;
  call.lane = "close";
  (void)close_files(call);
}

bool Core::must_not_wait_here() const {
  return Scope::find(this) != nullptr || (submitter_ && submitter_->is_own_thread());
}

}  // namespace turnstile::detail
