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
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] sqlite::Connection& connection() const noexcept { return connection_; }
  [[nodiscard]] const Call& call() const noexcept { return call_; }

 private:
  sqlite::Connection& connection_;
  const Call& call_;
};

/// Threads: scoped.
class WriteSession : public Session {
 public:
  using Session::Session;

  /// The number of savepoints that are open; each is named after its place among them.
  int savepoints = 0;
  std::vector<std::function<void()>> after_commit;
};

}  // namespace turnstile::detail
