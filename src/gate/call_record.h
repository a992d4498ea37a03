// Who uses one connection right now, where other processes can read it.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "gate/claim.h"
#include "sqlite/shared_record.h"
#include "sqlite/shown_sql.h"

namespace turnstile::gate {

/// A call as it shows itself. Threads: immutable.
struct ShownCall {
  std::int64_t thread_id = 0;
  std::int64_t since_ns = 0;    ///< CLOCK_MONOTONIC, which all processes share; 0: nobody.
  std::array<char, 48> lane{};  ///< Ends with a zero byte; longer names are cut.
};

/// All zero is the initial state: it stands in shared memory. It has cache lines of its own, since
/// other threads write its neighbours in each of their transactions.
///
/// Threads: confined to whoever has the connection, or gives it; call() and sql() are shared.
class alignas(64) CallRecord {
 public:
  /// From `claim.since` on, by the thread of the claim.
  void begin(const Claim& claim) noexcept { begin(claim, claim.thread_id, claim.since); }
  void begin(const Claim& claim, std::int64_t thread_id,
             std::chrono::steady_clock::time_point since) noexcept;
  void end() noexcept { call_.write({}); }

  /// Where the connection shows its statements.
  [[nodiscard]] sqlite::ShownSql& sql() noexcept { return sql_; }

  /// Empty when nobody uses it.
  [[nodiscard]] std::optional<ShownCall> call() const noexcept;
  [[nodiscard]] const sqlite::ShownSql& sql() const noexcept { return sql_; }

 private:
  sqlite::SharedRecord<ShownCall> call_;
  sqlite::ShownSql sql_;
};

}  // namespace turnstile::gate
