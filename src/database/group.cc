#include "database/group.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <string>
#include <utility>

#include "database/lane_state.h"
#include "database/scope.h"
#include "gate/sync_point.h"
#include "sqlite/error_code.h"
#include "sqlite/exception_text.h"
#include "sqlite/raise.h"

namespace turnstile::database {

namespace {

using Clock = WriteJob::Clock;

std::exception_ptr rolled_back_with(const Call& call, const std::exception_ptr& cause) {
  Error::Details details;
  details.code = code("GROUP_ROLLED_BACK");
  details.message =
      "SQLite rolled back the transaction that this write shared, because of another one: " +
      sqlite::text_of(cause);
  details.lane = call.lane;
  details.where = call.where;
  details.retry_is_safe = true;
  return std::make_exception_ptr(Error(std::move(details)));
}

}  // namespace

void Group::begin(const Call& call) {
  start_over();
  const Attribution attribution(connection_, call, recorder_);
  gate::sync_point("Group::begin");
  if (const int result = connection_.begin_immediate(); result != 0)
    sqlite::raise(connection_, result);
  open_ = true;
}

// The former members have been told, and may be gone.
void Group::start_over() noexcept {
  members_.clear();
  lost_.clear();
  durable_ = false;
}

bool Group::run(WriteJob& job, detail::Yielding* yielding, Clock::time_point began) {
  const bool has_savepoint = !members_.empty();
  const sqlite::Touched::Mark touched = connection_.touched().mark();
  attribution_.emplace(connection_, job.call(), recorder_);
  shown_call_.begin(job.claim(), gate::this_thread_id(), began);
  job.began = began;
  bool done = false;
  try {
    const Scope scope(policy_.database, ScopeKind::Write, job.call(), false);
    if (has_savepoint) connection_.open_savepoint();
    if (policy_.rehearse) rehearse(job);
    run_closure(job, yielding);
    if (has_savepoint) connection_.release_savepoint();
    members_.push_back(&job);
    durable_ = durable_ || job.durable;
    done = true;
  } catch (...) {
    job.error = std::current_exception();
    undo(has_savepoint, job.error);
    connection_.touched().go_back_to(touched);
  }
  job.ended = Clock::now();
  attribution_.reset();
  return done;
}

void Group::run_closure(WriteJob& job, detail::Yielding* yielding) {
  detail::WriteSession session(connection_, job.call());
  session.yielding = yielding;
  try {
    WriteTx tx(session);
    job.run(tx);
    gate::sync_point("Group::run:closure_ended");
    require_committable(job.call());
  } catch (...) {
    // What yield_point() has committed stays so.
    job.after_commit = std::move(session.committed);
    throw;
  }
  job.after_commit = std::move(session.committed);
  job.uncommitted = std::move(session.after_commit);
}

// A closure that cannot be run again shows here and not on the day when it has to be.
void Group::rehearse(WriteJob& job) {
  detail::WriteSession session(connection_, job.call());
  session.rehearsing = true;
  connection_.execute("SAVEPOINT turnstile_rehearsal");
  WriteTx tx(session);
  job.run(tx);
  connection_.reclaim_statements();
  connection_.require_transaction();
  connection_.execute("ROLLBACK TO turnstile_rehearsal; RELEASE turnstile_rehearsal");
}

// What COMMIT would refuse for the whole group is found while it is known whose it is.
void Group::require_committable(const Call& call) {
  if (!connection_.in_transaction()) {
    sqlite::raise_misuse(code("TRANSACTION_LOST"),
                         "SQLite rolled the transaction back after an error that the closure "
                         "did not let through",
                         call);
  }
  if (connection_.reclaim_statements() > 0) recorder_.on_repair();
  if (connection_.drop_temporary_objects()) recorder_.on_repair();
  if (connection_.has_unresolved_foreign_keys()) sqlite::raise_unresolved_foreign_key(connection_);
}

// A closure that was stopped while others had its turn finds their members here, and no
// transaction.
void Group::undo(bool has_savepoint, const std::exception_ptr& cause) {
  connection_.reclaim_statements();
  if (has_savepoint && connection_.in_transaction() && connection_.undo_savepoint()) return;
  connection_.clean_up();
  if (std::exchange(open_, false)) lose(cause);
}

// SQLite undoes everything itself after some errors: a full disk, no memory, an interrupt.
void Group::lose(const std::exception_ptr& cause) {
  lost_.swap(members_);
  for (WriteJob* job : lost_)
    job->error = rolled_back_with(job->call(), cause);
}

const std::vector<WriteJob*>& Group::commit() {
  if (std::exchange(open_, false)) finish();
  housekeeping_.after_use(connection_, Role::Writer);
  return members_;
}

void Group::finish() {
  if (members_.empty()) {
    connection_.clean_up();
    return;
  }
  gate::sync_point("Group::commit");
  const Clock::time_point start = Clock::now();
  if (const int result = notes_.commit(); result != 0) {
    fail_members(result, sqlite::commit_state_after(result));
    connection_.clean_up();
    return;
  }
  gate::sync_point("Group::commit:committed");
  for (WriteJob* job : members_)
    std::move(job->uncommitted.begin(), job->uncommitted.end(),
              std::back_inserter(job->after_commit));
  if (durable_ && !policy_.sync_always) {
    gate::sync_point("Group::commit:before_sync");
    if (const int result = connection_.sync_log(); result != 0)
      fail_members(result, CommitState::Committed);
  }
  recorder_.on_commit(Clock::now() - start, members_.size());
}

// Each in its own name: lane and place are the call's.
void Group::fail_members(int result, CommitState state) {
  for (WriteJob* job : members_) {
    const Attribution attribution(connection_, job->call(), recorder_);
    job->error =
        exception_of([&] { sqlite::raise(connection_, result, {}, {.commit_state = state}); });
  }
}

void Group::pause() {
  require_committable(connection_.call());
  const Clock::time_point start = Clock::now();
  if (const int result = notes_.commit(); result != 0)
    sqlite::raise(connection_, result, {}, {.commit_state = sqlite::commit_state_after(result)});
  recorder_.on_commit(Clock::now() - start, 1);
  open_ = false;
  attribution_.reset();
  housekeeping_.after_use(connection_, Role::Writer);
}

void Group::resume(const Call& call) {
  start_over();  // Others had their groups meanwhile.
  attribution_.emplace(connection_, call, recorder_);
  if (const int result = connection_.begin_immediate(); result != 0)
    sqlite::raise(connection_, result);
  open_ = true;
}

}  // namespace turnstile::database
