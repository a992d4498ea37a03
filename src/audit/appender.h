// Adds events to the chain inside a transaction, which SQLite runs one at a time among all
// processes: so the order of the chain is that of the commits.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "audit/tables.h"

namespace turnstile::audit {

/// Before it adds anything it looks whether the newest event is the one that the log remembers. If
/// not, somebody has been at the file. A new head would cover that up, so it records an event
/// `audit.break` first, which verify() tells of for as long as it is there.
///
/// Threads: scoped, as the transaction.
class Appender {
 public:
  Appender(WriteTx& tx, const AuditKey& key);

  /// The event has to be a checked one. Throws what writing throws, and Error
  /// (AUDIT_CHAIN_BROKEN) when there is no id left, because somebody has used the last one.
  std::int64_t append(const AuditEvent& event, std::chrono::system_clock::time_point now);
  /// Remembers the last one. Without it the transaction must not commit.
  void finish();

  /// What is wrong with the log that it found; empty: nothing.
  [[nodiscard]] const std::string& damage() const noexcept { return damage_; }
  /// The newest event.
  [[nodiscard]] Tail tail() const noexcept { return {head_.last_id, head_.last_hash}; }

 private:
  void append_break(std::chrono::system_clock::time_point now);
  std::int64_t insert(const AuditEvent& event);

  WriteTx& tx_;
  const AuditKey& key_;
  Head head_;
  std::string damage_;
  bool break_is_due_ = false;
  Statement insert_;
};

/// Adds one event, or nothing at all when it throws. Sets `damage` to what the appender found.
std::int64_t append_one(WriteTx& tx, const AuditKey& key, const AuditEvent& event,
                        std::chrono::system_clock::time_point now, std::string& damage);

}  // namespace turnstile::audit
