#include "database/migration/migrate.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <utility>

#include "database/migration/safety_copy.h"
#include "database/session.h"
#include "gate/sync_point.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "turnstile/transaction.h"

namespace turnstile::database {

namespace {

using std::chrono::microseconds;
using std::chrono::steady_clock;

/// SQLite ignores the switch inside a transaction, so that this is to enclose one.
///
/// Threads: confined.
class ForeignKeysOff {
 public:
  explicit ForeignKeysOff(sqlite::Connection& connection)
      : connection_(connection), were_on_(connection.query_integer("PRAGMA foreign_keys") != 0) {
    if (were_on_) connection_.execute("PRAGMA foreign_keys=0");
  }
  ~ForeignKeysOff() {
    if (!were_on_) return;
    try {
      connection_.execute("PRAGMA foreign_keys=1");
    } catch (const Error&) {
      // It fails only without memory, and this connection will do nothing more then.
      return;
    }
  }
  ForeignKeysOff(const ForeignKeysOff&) = delete;
  ForeignKeysOff& operator=(const ForeignKeysOff&) = delete;

 private:
  sqlite::Connection& connection_;
  const bool were_on_;
};

/// What has gone wrong in a step, in the step's name.
Error::Details in_name_of(const Migration& step, const Error& error,
                          const sqlite::Connection& connection) {
  Error::Details details;
  details.code = code("MIGRATION_FAILED");
  details.message = title_of(step.version, step.name) + " failed: " + std::string(error.message());
  details.hint = error.hint();
  details.sqlite_code = error.sqlite_code();
  details.system_code = error.system_code();
  details.sql = error.sql();
  details.sql_offset = error.sql_offset();
  details.lane = connection.call().lane;
  details.where = connection.call().where;
  return details;
}

/// One run of the steps, from BEGIN to its end. Threads: confined.
class Run {
 public:
  Run(sqlite::Connection& connection, const MigrationJob& job)
      : connection_(connection), job_(job) {}

  [[nodiscard]] MigrationOutcome operator()() {
    const ForeignKeysOff foreign_keys_off(connection_);
    if (const int began = connection_.begin_immediate(); began != 0)
      sqlite::raise(connection_, began);
    try {
      gate::sync_point("migrate:began");
      // Another process may have been faster between the first look and the write lock.
      const Plan plan =
          make_plan(connection_, job_.component, job_.steps, job_.options.adopt_schema);
      report_.found = plan.found;
      report_.now = static_cast<int>(job_.steps.size());
      copy_first(plan);
      make_record_table(connection_);
      if (plan.adopts) adopt(plan.found);
      run_missing(plan.found);
      if (job_.check_foreign_keys) check_foreign_keys();
      end();
    } catch (...) {
      connection_.rollback();
      throw;
    }
    return {std::move(report_), std::move(after_commit_)};
  }

 private:
  void copy_first(const Plan& plan) {
    if (job_.file.empty() || job_.options.dry_run) return;
    const auto next = static_cast<std::size_t>(plan.found);
    if (next == job_.steps.size()) return;
    const std::string label = (job_.component.empty() ? "" : std::string(job_.component) + "-") +
                              "v" + std::to_string(job_.steps[next].version);
    SafetyCopy copy(connection_, job_.file, label);
    copy.remove_leftovers();
    // The first steps of a component make tables, and have nothing of anybody's to spoil.
    if (!job_.options.backup || (!job_.component.empty() && plan.found == 0)) return;
    if (copy.is_worthwhile()) report_.backup = copy.make();
  }

  void adopt(int found) {
    for (int i = 0; i < found; ++i)
      record(connection_, job_.component, job_.steps[static_cast<std::size_t>(i)], kAdopted);
    set_user_version(found);
  }

  void run_missing(int found) {
    for (auto step = job_.steps.begin() + found; step != job_.steps.end(); ++step) {
      const auto start = steady_clock::now();
      run(*step);
      const auto duration = std::chrono::duration_cast<microseconds>(steady_clock::now() - start);
      record(connection_, job_.component, *step, duration);
      report_.steps.push_back({step->version, step->name, duration});
      gate::sync_point("migrate:step_done");
    }
    set_user_version(report_.now);
  }

  void run(const Migration& step) {
    try {
      step.apply ? call(step) : connection_.execute_script(step.sql);
      // A step may have caught the error with which SQLite undid everything.
      connection_.require_transaction();
    } catch (const Timeout&) {
      throw;
    } catch (const Cancelled&) {
      throw;
    } catch (const StorageError& error) {
      // A full disk is no mistake of the step, and stays one.
      Error::Details details = in_name_of(step, error, connection_);
      details.code = error.code();
      throw StorageError(std::move(details));
    } catch (const Error& error) {
      throw MigrationError(in_name_of(step, error, connection_));
    } catch (const std::exception& error) {
      raise_migration(connection_, code("MIGRATION_FAILED"),
                      title_of(step.version, step.name) + " failed: " + error.what());
    }
  }

  void call(const Migration& step) {
    detail::WriteSession session(connection_, connection_.call());
    WriteTx tx(session);
    step.apply(tx);
    connection_.reclaim_statements();
    std::move(session.after_commit.begin(), session.after_commit.end(),
              std::back_inserter(after_commit_));
  }

  void set_user_version(int version) {
    if (job_.component.empty())
      connection_.execute("PRAGMA user_version=" + std::to_string(version));
  }

  void check_foreign_keys() {
    const std::string table = connection_.query_text("PRAGMA foreign_key_check");
    if (table.empty()) return;
    raise_migration(
        connection_, code("MIGRATION_FAILED"),
        "after the schema steps, rows of the table " + table + " refer to rows that do not exist",
        "Correct the data in a schema step; `PRAGMA foreign_key_check` lists the rows.");
  }

  void end() {
    if (job_.options.dry_run) {
      connection_.rollback();
      after_commit_.clear();
      return;
    }
    gate::sync_point("migrate:before_commit");
    if (const int done = job_.commit ? job_.commit() : connection_.commit(); done != 0)
      sqlite::raise(connection_, done, {}, {.commit_state = sqlite::commit_state_after(done)});
    gate::sync_point("migrate:committed");
  }

  sqlite::Connection& connection_;
  const MigrationJob& job_;
  MigrationReport report_;
  Actions after_commit_;
};

}  // namespace

MigrationOutcome migrate(sqlite::Connection& connection, const MigrationJob& job) {
  const Plan plan = make_plan(connection, job.component, job.steps, job.options.adopt_schema);
  const auto known = static_cast<int>(job.steps.size());
  const bool lacks_steps = plan.found < known;
  if (!job.may_write && lacks_steps) {
    raise_migration(connection, code("DB_SCHEMA_OUTDATED"),
                    "the file has schema version " + std::to_string(plan.found) +
                        " and the program needs " + std::to_string(known));
  }
  if (!job.may_write || (!lacks_steps && !plan.adopts))
    return {.report = {.found = plan.found, .now = plan.found}, .after_commit = {}};
  if (job.on_start) job.on_start();
  return Run(connection, job)();
}

std::string describe(const MigrationReport& report) {
  std::string text =
      "version " + std::to_string(report.found) + " -> " + std::to_string(report.now);
  if (!report.backup.empty()) text += ", the file as it was is in " + report.backup.string();
  return text;
}

}  // namespace turnstile::database
