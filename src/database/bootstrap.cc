#include "database/bootstrap.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "database/completion.h"
#include "database/connection_setup.h"
#include "database/migration/schema.h"
#include "database/session.h"
#include "gate/file_locks.h"
#include "gate/sync_point.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "turnstile/transaction.h"

namespace turnstile::database {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

microseconds since(steady_clock::time_point start) {
  return std::chrono::duration_cast<microseconds>(steady_clock::now() - start);
}

// What to do depends on what SQLite could not make use of: a log, or the place for one.
[[noreturn]] void raise_unreadable(const StorageError& error, const std::filesystem::path& path) {
  std::error_code ignored;
  const auto log_bytes = std::filesystem::file_size(path.native() + "-wal", ignored);
  const bool has_log = !ignored && log_bytes > 0;
  Error::Details details;
  details.code = error.code();
  details.message = error.message();
  details.hint = error.hint();
  details.sqlite_code = error.sqlite_code();
  details.system_code = error.system_code();
  details.lane = error.lane();
  details.where = error.where();
  if (error.code() == code("DB_NOT_FOUND")) {
    // The file is there; what SQLite could not open is the index of its log.
    details.code = code("DB_PERMISSION");
    details.message = "'" + path.string() +
                      "' has a write-ahead log, and the index that it is read by, which is not "
                      "there, cannot be made";
  }
  if (details.code == code("DB_PERMISSION") || details.code == code("DB_OPEN_FAILED") ||
      details.code == code("DB_READ_ONLY")) {
    details.hint = has_log ? "The file has a write-ahead log: copy both to a directory where you "
                             "may write, and open the copy."
                           : "Open it where its directory may be written, or, if nobody writes to "
                             "it, with Options::immutable (immutable=1 in a URI).";
  }
  throw StorageError(std::move(details));
}

[[noreturn]] void raise_no_wal(const std::string& reason, const Call& call) {
  Error::Details details;
  details.lane = call.lane;
  details.where = call.where;
  details.code = code("DB_WAL_UNAVAILABLE");
  details.message = "the file cannot have a write-ahead log: " + reason;
  throw StorageError(std::move(details));
}

std::string auto_vacuum_number(AutoVacuum mode) {
  switch (mode) {
    case AutoVacuum::Full:
      return "1";
    case AutoVacuum::Incremental:
      return "2";
    case AutoVacuum::None:
      break;
  }
  return "0";
}

// Null where there are none.
std::shared_ptr<const SqlDefinitions> definitions_of(const Options& options) {
  if (options.extensions.empty() && options.functions.empty() && options.collations.empty())
    return nullptr;
  return std::make_shared<const SqlDefinitions>(
      SqlDefinitions{options.extensions, options.functions, options.collations});
}

}  // namespace

Bootstrap::Bootstrap(Location location, Options options,
                     std::shared_ptr<sqlite::Protection> protection, const Call& call,
                     microseconds locate_time, std::function<void()> on_migration)
    : protection_(std::move(protection)),
      definitions_(definitions_of(options)),
      call_(call),
      on_migration_(std::move(on_migration)) {
  if (location.in_memory) options.mode = OpenMode::Memory;
  opened_.phases.push_back({"locate", locate_time, location.path.string()});
  opened_.location = std::move(location);
  opened_.options = std::move(options);
}

template <class Phase>
auto Bootstrap::timed(std::string_view name, Phase&& phase) {
  const auto start = steady_clock::now();
  opened_.phases.push_back({std::string(name), microseconds(0), ""});
  const std::size_t index = opened_.phases.size() - 1;
  if constexpr (std::is_void_v<decltype(phase())>) {
    phase();
    opened_.phases[index].duration = since(start);
  } else {
    auto result = phase();
    opened_.phases[index].duration = since(start);
    return result;
  }
}

Opened Bootstrap::run() {
  timed("gate", [this] { enter_gate(); });
  Initialized initialized = timed("initialise", [this] { return initialise(); });
  timed("migrate", [&] { migrate_schema(initialized); });
  timed("pool", [&] { fill_pool(std::move(initialized)); });
  // Held until here, if at all, so that no other process changes the file's own settings between
  // the phases.
  if (opened_.gate) opened_.gate->give();
  return std::move(opened_);
}

void Bootstrap::enter_gate() {
  if (opened_.location.in_memory || opened_.options.mode == OpenMode::ReadOnly) {
    opened_.phases.back().detail = "not needed";
    return;
  }
  opened_.gate = std::make_unique<gate::ProcessGate>(opened_.location.path);
  const auto claim = gate::Claim::of_this_thread("bootstrap", call_.where);
  if (opened_.gate->take(claim, Deadline::after(milliseconds(0))) == gate::Wait::Granted) return;
  look_first();
  if (looked_) {
    opened_.phases.back().detail = "not waited for, since there is nothing to be done";
    return;
  }
  if (wait_at_gate(claim) == gate::Wait::Granted) return;
  const gate::GateView view = opened_.gate->view();
  Holder holder = view.holder ? view.holder->as_holder("gate") : Holder{};
  sqlite::raise_timeout(call_, code("OPEN_TIMEOUT"), std::move(holder));
}

// Whoever runs schema steps is doing what this start would have to do itself, and is waited for
// longer; the time for everybody else begins when it is done.
gate::Wait Bootstrap::wait_at_gate(const gate::Claim& claim) {
  const Deadline longest =
      Deadline::after(std::max(opened_.options.migration_timeout, opened_.options.busy_timeout));
  return opened_.gate->take(claim, longest, [this] {
    const gate::GateView view = opened_.gate->view();
    if (view.holder && view.holder->lane == kMigrationLane) {
      on_migration_();
      call_.deadline = Deadline::after(opened_.options.busy_timeout);
    }
    return call_.deadline.expired();
  });
}

// Another process has the gate. Whether it is about to replace the file, the lock on the name
// tells. Once the connection has read, it has SQLite's shared lock on a file with a log for good:
// nobody can replace the file or change its journal mode then.
void Bootstrap::look_first() {
  if (!opened_.location.why_no_wal.empty() || !opened_.gate->pin_name()) return;
  try {
    gate::sync_point("Bootstrap::look_first");
    auto connection = connect();
    // What would have to wait is no look.
    connection->set_call(nullptr);
    const bool in_order = is_in_order(*connection);
    connection->set_call(&call_);
    if (in_order) looked_ = std::move(connection);
  } catch (const Error&) {
    // Whatever it is, it is found again with the gate, and told then.
    looked_.reset();
  }
  opened_.gate->unpin_name();
}

bool Bootstrap::is_in_order(sqlite::Connection& connection) const {
  if (connection.query_integer("PRAGMA page_count") == 0) return false;
  if (connection.query_text("PRAGMA journal_mode") != "wal") return false;
  const Migrations& steps = opened_.options.migrations;
  if (steps.empty()) return true;
  const Plan plan = make_plan(connection, {}, steps, opened_.options.adopt_schema);
  return plan.found == static_cast<int>(steps.size()) && !plan.adopts;
}

std::unique_ptr<sqlite::Connection> Bootstrap::connect() const {
  const Location& location = opened_.location;
  sqlite::Connection::Config config;
  config.path = location.sqlite_name;
  config.create = location.in_memory;
  config.read_only = opened_.options.mode == OpenMode::ReadOnly;
  config.uri = location.in_memory || opened_.options.immutable;
  config.vfs = opened_.options.vfs;
  config.statement_cache_size = opened_.options.statement_cache_size;
  config.protection = protection_;
  config.definitions = definitions_;
  if (!location.in_memory)
    config.find_holder = [path = location.path](bool writes) {
      return writes ? gate::find_stranger(path) : gate::find_foreign_holder(path, false);
    };
  return std::make_unique<sqlite::Connection>(std::move(config), call_);
}

Initialized Bootstrap::initialise() {
  Initialized initialized;
  if (looked_) {
    opened_.phases.back().detail = "journal_mode: wal";
    initialized.connection_ = std::move(looked_);
    initialized.has_wal_ = true;
    return initialized;
  }
  initialized.connection_ = connect();
  sqlite::Connection& connection = *initialized.connection_;
  // The first statement reads the header and so finds out whether this is a database at all.
  if (page_count(connection) == 0) settle_new_file(connection);
  // Whatever is wrong with the schema is found before anything of the file is changed.
  if (const Options& options = opened_.options; !options.migrations.empty())
    (void)make_plan(connection, {}, options.migrations, options.adopt_schema);
  initialized.has_wal_ = !opened_.location.in_memory && settle_journal_mode(connection);
  return initialized;
}

std::int64_t Bootstrap::page_count(sqlite::Connection& connection) const {
  try {
    return connection.query_integer("PRAGMA page_count");
  } catch (const StorageError& error) {
    if (opened_.options.mode == OpenMode::ReadOnly) raise_unreadable(error, opened_.location.path);
    throw;
  }
}

void Bootstrap::settle_new_file(sqlite::Connection& connection) {
  const Options& options = opened_.options;
  if (options.mode == OpenMode::ReadOnly) return;
  if (options.page_size != 0)
    connection.execute("PRAGMA page_size=" + std::to_string(options.page_size));
  if (options.auto_vacuum != AutoVacuum::None)
    connection.execute("PRAGMA auto_vacuum=" + auto_vacuum_number(options.auto_vacuum));
}

bool Bootstrap::settle_journal_mode(sqlite::Connection& connection) {
  const std::string found = connection.query_text("PRAGMA journal_mode");
  std::string& detail = opened_.phases.back().detail;
  detail = "journal_mode: " + found;
  if (opened_.options.mode == OpenMode::ReadOnly) return found == "wal";
  std::string why = opened_.location.why_no_wal;
  if (found == "wal" && why.empty()) return true;
  if (why.empty()) {
    const std::string now = switch_to_wal(connection);
    detail += " -> " + now;
    if (now == "wal") return true;
    why = "SQLite answered '" + now + "' to the switch";
  }
  if (opened_.options.without_wal == WithoutWal::Refuse) raise_no_wal(why, call_);
  if (found == "wal") raise_no_wal(why + ", and the file has one already", call_);
  if (opened_.options.log_sink) {
    opened_.options.log_sink({LogEvent::Severity::Warning, "JOURNAL_FALLBACK",
                              "using a rollback journal, because " + why});
  }
  return false;
}

// The switch upgrades a read lock and so is refused at once, without the busy handler, while
// anybody writes; SQLite has nothing that waits for it. Processes that use this library stand
// behind the gate meanwhile, so this is about strangers only.
std::string Bootstrap::switch_to_wal(sqlite::Connection& connection) {
  constexpr milliseconds kPause{2};
  for (;;) {
    try {
      gate::sync_point("Bootstrap::switch_to_wal");
      return connection.query_text("PRAGMA journal_mode=WAL");
    } catch (const Timeout&) {
      if (call_.deadline.expired()) throw;
      std::this_thread::sleep_until(call_.deadline.within(kPause));
    }
  }
}

void Bootstrap::migrate_schema(Initialized& initialized) {
  sqlite::Connection& connection = *initialized.connection_;
  const Options& options = opened_.options;
  if (options.migrations.empty()) {
    initialized.schema_version_ = static_cast<int>(connection.query_integer("PRAGMA user_version"));
  } else {
    const MigrationReport report = run_steps(connection);
    initialized.schema_version_ = report.now;
    if (report.found != report.now) {
      opened_.phases.back().detail = describe(report);
      if (options.log_sink)
        options.log_sink(
            {LogEvent::Severity::Info, "SCHEMA_MIGRATED", "schema " + describe(report)});
    }
  }
  if (!options.expect_schema.empty()) require_expected_schema(connection);
}

MigrationReport Bootstrap::run_steps(sqlite::Connection& connection) {
  const Options& options = opened_.options;
  const MigrateOptions how{.backup = options.backup_before_migration,
                           .adopt_schema = options.adopt_schema};
  const auto announce = [this] {
    on_migration_();
    if (!opened_.gate) return;
    // Held already: others are only told what for.
    (void)opened_.gate->take(gate::Claim::of_this_thread(kMigrationLane, call_.where),
                             call_.deadline);
  };
  MigrationOutcome outcome = migrate(connection, {.component = {},
                                                  .steps = options.migrations,
                                                  .options = how,
                                                  .check_foreign_keys = options.foreign_keys,
                                                  .may_write = options.mode != OpenMode::ReadOnly,
                                                  .file = opened_.location.path,
                                                  .on_start = announce});
  run_after_commit(outcome.after_commit, call_);
  return std::move(outcome.report);
}

void Bootstrap::require_expected_schema(sqlite::Connection& connection) const {
  const Schema expected = schema_of_script(opened_.options.expect_schema, definitions_, call_);
  detail::Session session(connection, call_);
  ReadTx tx(session);
  const std::vector<SchemaDifference> differences =
      compare(expected, read_schema(tx), ExtraObjects::Ignore);
  if (differences.empty()) return;
  std::string message = "the schema of the file is not what the program expects: ";
  for (const SchemaDifference& each : differences) {
    if (&each != &differences.front()) message += "; ";
    message += each.describe();
  }
  raise_migration(connection, code("DB_SCHEMA_DIFFERS"), std::move(message));
}

void Bootstrap::fill_pool(Initialized initialized) {
  const Options& options = opened_.options;
  const bool writes = options.mode != OpenMode::ReadOnly;
  const Role first_role = writes ? Role::Writer : Role::Reader;
  set_up_connection(*initialized.connection_, options, first_role);
  opened_.settings = report_settings(*initialized.connection_, options);
  opened_.has_wal = initialized.has_wal_;
  opened_.schema_version = initialized.schema_version_;
  auto first = std::move(initialized.connection_);
  (writes ? opened_.writer : opened_.readers.emplace_back()) = std::move(first);
  for (int i = 1; i < options.connections; ++i) {
    auto reader = connect();
    set_up_connection(*reader, options, Role::Reader);
    opened_.readers.push_back(std::move(reader));
  }
  opened_.phases.back().detail = std::to_string(options.connections) + " connections";
}

}  // namespace turnstile::database
