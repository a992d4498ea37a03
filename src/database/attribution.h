// Lends a connection to a call.
#pragma once

#include <cstdint>

#include "database/metrics.h"
#include "sqlite/call.h"
#include "sqlite/connection.h"

namespace turnstile::database {

/// While it exists, the connection's errors and waits refer to the call, and the waits are counted
/// at its end.
///
/// Threads: confined.
class Attribution {
 public:
  Attribution(sqlite::Connection& connection, const Call& call, Recorder& recorder) noexcept
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
  Recorder& recorder_;
  const std::uint64_t before_;
};

}  // namespace turnstile::database
