#pragma once

#include <cstdint>
#include <list>
#include <string>

#include "sqlite/authorizer.h"
#include "sqlite/touched.h"
#include "turnstile/statement.h"

struct sqlite3_stmt;

namespace turnstile {
namespace sqlite {
class Connection;
class StatementCache;
}  // namespace sqlite

/// A prepared statement as its connection keeps it. The Statement that uses it and the entry point
/// at each other, so that the connection can take it back at the transaction's end.
///
/// The memory of an entry is used again but not given back before its connection closes: a Row may
/// still refer to it, and learns from `generation` that its row is gone.
///
/// Threads: confined.
struct detail::StatementEntry {
  enum class Phase {
    Ready,  ///< The next step starts an execution.
    Row,    ///< On a row.
    Done,   ///< Ended and reset, but only end() makes it Ready: a step must not start it again.
  };

  sqlite::Connection* connection = nullptr;
  sqlite::StatementCache* cache = nullptr;
  sqlite3_stmt* handle = nullptr;
  std::string sql;
  Statement* user = nullptr;
  int parameter_count = 0;
  bool read_only = false;
  sqlite::StatementTraits traits;
  sqlite::Touched::Set writes;  ///< The tables that it writes; null for none.
  bool in_use = false;
  bool cached = false;  ///< false: finalized when given back
  bool copied = false;  ///< SQLite owns memory of a value that is bound.
  /// The values that are bound belong to an earlier execution and may be gone. They are not taken
  /// back at once because most executions bind all of them anew.
  bool stale = false;
  Phase phase = Phase::Ready;
  std::uint64_t generation = 0;  ///< Another one after each step and each end.
  std::int64_t inserted_rowid = 0;
  ExecuteResult result;  ///< Of the execution that ended; for Phase::Done.
  std::list<StatementEntry>::iterator self;

  /// Goes to the next row; false at the end. Throws with the statement reset and Done.
  bool step();
  /// Ends the execution; what is bound stays bound.
  void end() noexcept;
  void forget_bindings() noexcept;
  /// Takes the entry from its user, who from then on gets STATEMENT_EXPIRED.
  void expire() noexcept;

 private:
  [[nodiscard]] int start();
  [[nodiscard]] int run_first_step() noexcept;
  void learn_more_writes() noexcept;
  [[noreturn]] void fail(int code);
};

}  // namespace turnstile
