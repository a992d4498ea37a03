#include "database/migration/plan.h"

#include <algorithm>
#include <utility>

#include "database/migration/checksum.h"
#include "database/session.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::database {

namespace {

[[noreturn]] void raise_invalid(std::string message, std::source_location where) {
  Call call;
  call.where = where;
  sqlite::raise_misuse(code("MIGRATION_INVALID"), std::move(message), call);
}

std::string whose(std::string_view component) {
  return component.empty() ? std::string("the file")
                           : "component '" + std::string(component) + "' of the file";
}

void require_no_gap(const sqlite::Connection& connection, std::string_view component,
                    const History& history) {
  int expected = 1;
  for (const MigrationRecord& each : history.records) {
    if (each.version != expected) {
      raise_migration(connection, code("MIGRATION_GAP"),
                      whose(component) + " has a record of " + title_of(each.version, each.name) +
                          " and none of step " + std::to_string(expected));
    }
    ++expected;
  }
  if (!component.empty() || history.records.empty()) return;
  if (const int last = history.records.back().version; last != history.user_version) {
    raise_migration(connection, code("MIGRATION_GAP"),
                    "the file has records of schema steps up to " + std::to_string(last) +
                        ", and its user_version is " + std::to_string(history.user_version));
  }
}

// Whatever else may be wrong with it.
void require_not_newer(const sqlite::Connection& connection, std::string_view component,
                       const History& history, std::size_t known) {
  const int recorded = history.records.empty() ? 0 : history.records.back().version;
  const int found = component.empty() ? std::max(recorded, history.user_version) : recorded;
  if (found <= static_cast<int>(known)) return;
  std::string message = whose(component) + " has schema version " + std::to_string(found);
  if (found == recorded) {
    const MigrationRecord& last = history.records.back();
    message += " (" + last.name + ", since " + last.applied_at + ")";
  }
  raise_migration(connection, code("DB_SCHEMA_TOO_NEW"),
                  message + ", and the program knows versions up to " + std::to_string(known));
}

void require_unedited(const sqlite::Connection& connection, const History& history,
                      const Migrations& steps) {
  for (std::size_t i = 0; i < history.records.size(); ++i) {
    const MigrationRecord& recorded = history.records[i];
    const std::string checksum = checksum_of(steps[i]);
    if (recorded.checksum == checksum) continue;
    raise_migration(connection, code("MIGRATION_EDITED"),
                    title_of(recorded.version, steps[i].name) + " has the checksum " + checksum +
                        ", and the one that the file has since " + recorded.applied_at +
                        (recorded.name == steps[i].name ? "" : " as '" + recorded.name + "'") +
                        " had " + recorded.checksum);
  }
}

/// What is read while it exists belongs to one moment, also while others write. Does nothing inside
/// a transaction. Threads: confined.
class Snapshot {
 public:
  explicit Snapshot(sqlite::Connection& connection)
      : connection_(connection), is_mine_(!connection.in_transaction()) {
    if (!is_mine_) return;
    if (const int began = connection_.begin_deferred(); began != 0)
      sqlite::raise(connection_, began);
  }
  ~Snapshot() {
    if (is_mine_) connection_.rollback();
  }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

 private:
  sqlite::Connection& connection_;
  const bool is_mine_;
};

// A file that somebody else may have made.
bool is_unknown(std::string_view component, const History& history) {
  if (!component.empty() || history.has_records) return false;
  return history.user_version < 0 || (history.user_version == 0 && history.has_tables);
}

int adopted_version(const sqlite::Connection& connection, const History& history,
                    std::optional<int> adopt_schema, std::size_t known) {
  if (!adopt_schema) {
    raise_migration(connection, code("DB_SCHEMA_UNKNOWN"),
                    "the file has tables, user_version " + std::to_string(history.user_version) +
                        " and no records of schema steps, so that nothing says whether this "
                        "program made them");
  }
  if (*adopt_schema < 0 || *adopt_schema > static_cast<int>(known)) {
    sqlite::raise_misuse(code("OPTION_INVALID"),
                         "the schema version to adopt is " + std::to_string(*adopt_schema) +
                             "; it must be from 0 to " + std::to_string(known),
                         connection.call());
  }
  return *adopt_schema;
}

}  // namespace

std::string title_of(int version, std::string_view name) {
  return "schema step " + std::to_string(version) + " (" + std::string(name) + ")";
}

void raise_migration(const sqlite::Connection& connection, std::string_view code,
                     std::string message, std::string hint) {
  Error::Details details;
  details.code = code;
  details.message = std::move(message);
  details.hint = std::move(hint);
  details.lane = connection.call().lane;
  details.where = connection.call().where;
  throw MigrationError(std::move(details));
}

void validate(const Migrations& migrations, std::source_location where) {
  int expected = 1;
  for (const Migration& step : migrations) {
    if (step.version != expected || step.name.empty()) {
      raise_invalid("schema step number " + std::to_string(expected) + " has version " +
                        std::to_string(step.version) + " and the name '" + step.name + "'",
                    where);
    }
    const bool has_sql = !step.sql.empty();
    if (const bool has_function = static_cast<bool>(step.apply); has_sql == has_function) {
      raise_invalid(title_of(step.version, step.name) + " has " +
                        (has_sql ? "both SQL and a function" : "neither SQL nor a function"),
                    where);
    }
    ++expected;
  }
}

void validate_component(std::string_view component, std::source_location where) {
  constexpr std::size_t kLongest = 64;
  const bool known_characters =
      component.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-.") ==
      std::string_view::npos;
  if (known_characters && component.size() <= kLongest) return;
  raise_invalid("'" + std::string(component) +
                    "' cannot name a component: 1 to 64 of a-z, 0-9, '_', '-' and '.' can",
                where);
}

Plan make_plan(sqlite::Connection& connection, std::string_view component, const Migrations& steps,
               std::optional<int> adopt_schema) {
  const Snapshot snapshot(connection);
  detail::Session session(connection, connection.call());
  ReadTx tx(session);
  const History history = read_history(tx, component);
  require_not_newer(connection, component, history, steps.size());
  require_no_gap(connection, component, history);
  require_unedited(connection, history, steps);
  Plan plan;
  if (!history.records.empty())
    plan.found = history.records.back().version;
  else if (is_unknown(component, history))
    plan.found = adopted_version(connection, history, adopt_schema, steps.size());
  else if (component.empty())
    plan.found = history.user_version;
  plan.adopts = plan.found > 0 && history.records.empty();
  return plan;
}

std::vector<MigrationStatus> status_of(const History& history, std::string_view component,
                                       const Migrations& steps) {
  std::vector<MigrationStatus> list;
  for (const Migration& step : steps) {
    MigrationStatus status{.version = step.version, .name = step.name};
    status.checksum = checksum_of(step);
    // Before its records were made, a file had what its user_version says.
    if (history.records.empty() && component.empty() && step.version <= history.user_version) {
      status.state = MigrationState::Applied;
      status.adopted = true;
    }
    list.push_back(std::move(status));
  }
  for (const MigrationRecord& recorded : history.records) {
    auto place = std::ranges::find(list, recorded.version, &MigrationStatus::version);
    if (place == list.end()) {
      list.push_back(
          {.version = recorded.version, .name = recorded.name, .state = MigrationState::Unknown});
      place = std::prev(list.end());
    } else {
      place->state =
          place->checksum == recorded.checksum ? MigrationState::Applied : MigrationState::Edited;
    }
    place->recorded_checksum = recorded.checksum;
    place->applied_at = recorded.applied_at;
    place->adopted = recorded.adopted;
  }
  return list;
}

}  // namespace turnstile::database

namespace turnstile {

std::string_view to_string(MigrationState state) noexcept {
  switch (state) {
    case MigrationState::Applied:
      return "applied";
    case MigrationState::Pending:
      return "pending";
    case MigrationState::Edited:
      return "edited";
    case MigrationState::Unknown:
      return "unknown";
  }
  return "";
}

}  // namespace turnstile
