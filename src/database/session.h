// What stands behind a ReadTx and a WriteTx: the connection for the length of one closure.
#pragma once

#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "sqlite/call.h"
#include "sqlite/connection.h"
#include "turnstile/statement.h"

namespace turnstile::detail {

/// Threads: scoped.
class Session {
 public:
  Session(sqlite::Connection& connection, const Call& call) noexcept
      : connection_(connection), call_(call) {}
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] sqlite::Connection& connection() const noexcept { return connection_; }
  [[nodiscard]] const Call& call() const noexcept { return call_; }

  /// SQLite's handle, for a closure's own use of it, which may touch any table. Where a read has
  /// the writer's connection, that refuses to write from then on until the session's end.
  [[nodiscard]] sqlite3* lend_handle();

  /// For a read on a connection that could write.
  bool must_not_write = false;

 private:
  sqlite::Connection& connection_;
  const Call& call_;
  bool writing_refused_ = false;
};

class WriteSession;

/// Whoever can hand the turn on in the middle of a closure. Threads: confined.
class Yielding {
 public:
  virtual ~Yielding() = default;
  /// True when others had their turn meanwhile; what was done so far is committed then.
  virtual bool yield(WriteSession& session) = 0;
};

/// Threads: scoped.
class WriteSession : public Session {
 public:
  using Session::Session;

  Yielding* yielding = nullptr;  ///< Null: the closure shares its transaction.
  bool rehearsing = false;       ///< What this run does will be undone.

  /// The savepoints that are open, the outermost first, by their numbers; none is used again.
  std::vector<int> savepoints;
  int last_savepoint = 0;
  std::vector<std::function<void()>> after_commit;
  std::vector<std::function<void()>> committed;  ///< Those of the parts that yield() committed.
};

}  // namespace turnstile::detail
