// COMMIT, with a note of what it touched for those who observe: the observers of this process, and
// through the gate's page those of others.
#pragma once

#include <cstdint>
#include <optional>

#include "database/observation/observers.h"
#include "gate/process_gate.h"
#include "sqlite/commit_counter.h"
#include "sqlite/connection.h"
#include "turnstile/detail/function_ref.h"

namespace turnstile::database {

/// Threads: confined to whoever has the writer's turn.
class CommitNotes {
 public:
  /// `gate` is null in memory.
  CommitNotes(sqlite::Connection& connection, gate::ProcessGate* gate, Observers& observers);

  /// As Connection::commit().
  [[nodiscard]] int commit() noexcept;
  /// Does `work`, outside of a transaction, that commits by itself and once, as VACUUM does. Counts
  /// as having touched all tables. For whoever has the gate: a commit by a stranger just before
  /// makes it untold which of the two is which, and both count as others'.
  void commit_by(detail::FunctionRef<void()> work);

 private:
  [[nodiscard]] std::optional<std::uint32_t> next_number(const sqlite::Touched& touched) noexcept;
  void publish(std::uint32_t number, const sqlite::Touched& touched) noexcept;

  sqlite::Connection& connection_;
  gate::ProcessGate* const gate_;
  Observers& observers_;
  sqlite::CommitCounter counter_;
  std::uint32_t in_memory_ = 0;  // Commits that changed something.
};

}  // namespace turnstile::database
