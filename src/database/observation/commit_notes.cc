#include "database/observation/commit_notes.h"

#include <sqlite3.h>

#include <exception>

#include "gate/sync_point.h"

namespace turnstile::database {

namespace {

const sqlite::Touched& all_touched(sqlite::Connection& connection) noexcept {
  try {
    return connection.all_touched();
  } catch (const std::exception&) {
    // Whether the schema has changed cannot be found out.
    connection.touched().add_everything();
    return connection.touched();
  }
}

}  // namespace

CommitNotes::CommitNotes(sqlite::Connection& connection, gate::ProcessGate* gate,
                         Observers& observers)
    : connection_(connection),
      gate_(gate),
      observers_(observers),
      counter_(connection, observers.has_log()) {}

int CommitNotes::commit() noexcept {
  // What is still executing counts too.
  connection_.reclaim_statements();
  const sqlite::Touched& touched = all_touched(connection_);
  const std::optional<std::uint32_t> number = next_number(touched);
  if (number) observers_.own().announce(*number);
  const int result = connection_.commit();
  if (!number) return result;
  gate::sync_point("CommitNotes::commit:before_note");
  if (result != SQLITE_OK || (gate_ != nullptr && !counter_.committed())) {
    observers_.own().withdraw();
    return result;
  }
  if (gate_ != nullptr) publish(*number, touched);
  if (observers_.own().note(*number, touched)) observers_.ring();
  return result;
}

void CommitNotes::commit_by(detail::FunctionRef<void()> work) {
  if (gate_ == nullptr) return work();
  const std::optional<sqlite::CommitMark> before = counter_.read();
  if (!before) return work();
  const std::uint32_t number = before->number + 1;
  observers_.own().announce(number);
  try {
    work();
  } catch (...) {
    observers_.own().withdraw();
    throw;
  }
  const std::optional<sqlite::CommitMark> after = counter_.read();
  if (!after || after->number != number) return observers_.own().withdraw();
  sqlite::Touched& touched = connection_.touched();
  touched.add_everything();
  publish(number, touched);
  if (observers_.own().note(number, touched)) observers_.ring();
}

std::optional<std::uint32_t> CommitNotes::next_number(const sqlite::Touched& touched) noexcept {
  if (gate_ != nullptr) return counter_.next();
  if (touched.sets().empty() && !touched.everything()) return std::nullopt;
  return ++in_memory_;
}

void CommitNotes::publish(std::uint32_t number, const sqlite::Touched& touched) noexcept {
  gate::CommittedTables tables;
  if (touched.everything()) tables.add_everything();
  for (const sqlite::Touched::Set& set : touched.sets())
    for (const sqlite::TableSet::Table& table : set->tables)
      tables.add(table.hash);
  gate_->publish(number, tables);
}

}  // namespace turnstile::database
