// The record of what was done, by whom and when.
#pragma once

#include <future>
#include <string>
#include <string_view>
#include <utility>

#include "turnstile/lane.h"

namespace kb {

enum class Action { Added, Changed, Removed, ScanStarted, ScanEnded };

/// As it is stored: `added`, `scan started`, ...
[[nodiscard]] std::string_view to_string(Action action);

/// Threads: shared.
class AuditLog {
 public:
  explicit AuditLog(turnstile::Lane lane) : lane_(std::move(lane)) {}

  /// Writes an event in the caller's transaction, so that there is a row for each change and none
  /// for a change that was rolled back.
  static void record(turnstile::WriteTx& tx, std::string_view actor, Action action,
                     std::string_view subject);

  /// Writes an event that belongs to no other change. Does not wait for the writer's turn; the
  /// future is ready when the event is in the file.
  [[nodiscard]] std::future<void> note(std::string actor, Action action, std::string subject) const;

 private:
  turnstile::Lane lane_;
};

}  // namespace kb
