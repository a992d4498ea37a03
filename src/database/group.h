// One write transaction with one closure in it, or several of which each fails alone.
//
//   begin() -> run(), run(), ... -> commit()
//
// The first closure needs no savepoint: what it undoes is the whole transaction. Each later one has
// its own. All are told only after COMMIT.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "database/attribution.h"
#include "database/housekeeping.h"
#include "database/observation/commit_notes.h"
#include "database/session.h"
#include "database/write_job.h"
#include "gate/call_record.h"
#include "sqlite/connection.h"

namespace turnstile::database {

/// Threads: confined to whoever has the writer's turn.
class Group {
 public:
  struct Policy {
    const void* database;      ///< Whose transactions these are, for Scope.
    bool rehearse = false;     ///< Options::rehearse_closures.
    bool sync_always = false;  ///< COMMIT is durable by itself.
  };
  Group(Policy policy, sqlite::Connection& connection, const Housekeeping& housekeeping,
        CommitNotes& notes, Recorder& recorder, gate::CallRecord& shown_call) noexcept
      : policy_(policy),
        connection_(connection),
        housekeeping_(housekeeping),
        notes_(notes),
        recorder_(recorder),
        shown_call_(shown_call) {}

  /// BEGIN IMMEDIATE. Throws Timeout, StorageError, Cancelled.
  void begin(const Call& call);

  /// Runs the closure in the open transaction. False when it failed: nothing of it is left, and its
  /// error is set. `yielding` may be null: it may not give its turn up. `began` is the present.
  bool run(WriteJob& job, detail::Yielding* yielding, WriteJob::Clock::time_point began);

  /// False once a failure has undone everything; lost() has those who are to be told.
  [[nodiscard]] bool is_open() const noexcept { return open_; }
  /// False once a closure had the native handle: what it has left behind is for nobody else.
  [[nodiscard]] bool may_grow() const noexcept { return open_ && !connection_.is_lent(); }
  [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }

  /// COMMIT, if anything is in it. Returns those whose closures had run: all with an error, or
  /// none.
  [[nodiscard]] const std::vector<WriteJob*>& commit();
  /// Those whose work was undone by somebody else's failure; each has its error.
  [[nodiscard]] const std::vector<WriteJob*>& lost() const noexcept { return lost_; }

  /// In the middle of a closure that runs alone: commits what it has done so far, and lets the
  /// connection go. Throws what COMMIT does, with the transaction undone.
  void pause();
  /// Goes on after that.
  void resume(const Call& call);

 private:
  void start_over() noexcept;
  void finish();
  void run_closure(WriteJob& job, detail::Yielding* yielding);
  void rehearse(WriteJob& job);
  void undo(bool has_savepoint, const std::exception_ptr& cause);
  void lose(const std::exception_ptr& cause);
  void require_committable(const Call& call);
  void fail_members(int result, CommitState state);

  const Policy policy_;
  sqlite::Connection& connection_;
  const Housekeeping& housekeeping_;
  CommitNotes& notes_;
  Recorder& recorder_;
  gate::CallRecord& shown_call_;  // Of whoever's closure runs.
  std::optional<Attribution> attribution_;
  bool open_ = false;
  bool durable_ = false;  // A member wants it.
  std::vector<WriteJob*> members_;
  std::vector<WriteJob*> lost_;
};

}  // namespace turnstile::database
