// Work on the file as a whole. Apart from the Core, which knows of turns and not of what is done in
// them.
#include "turnstile/maintenance.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "database/copies/whole_file.h"
#include "database/core.h"
#include "gate/sync_point.h"
#include "sqlite/error_code.h"
#include "sqlite/quote.h"
#include "sqlite/raise.h"
#include "turnstile/priority.h"

namespace turnstile {

namespace {

using database::Attention;
using detail::Core;
using Clock = std::chrono::steady_clock;

// Pages that one slice gives back: about as long as a large group takes.
constexpr std::int64_t kSlicePages = 256;
// How long others are kept from writing by one attempt at an empty log, and left alone after it.
constexpr std::chrono::milliseconds kAttempt{20};
constexpr std::chrono::milliseconds kPause{20};

Call call_of(const Core& core, std::string_view what, std::string_view timeout_code,
             const MaintenanceOptions& options, std::source_location where) {
  return core.make_call(what, CallOptions{.timeout = options.timeout, .stop = options.stop},
                        timeout_code, where);
}
Call write_call(const Core& core, const MaintenanceOptions& options, std::source_location where) {
  return call_of(core, "maintenance", code("WRITE_TIMEOUT"), options, where);
}
Call read_call(const Core& core, const MaintenanceOptions& options, std::source_location where) {
  return call_of(core, "maintenance", code("READ_TIMEOUT"), options, where);
}

void begin(sqlite::Connection& connection) {
  if (const int result = connection.begin_immediate(); result != 0)
    sqlite::raise(connection, result);
}

void commit(sqlite::Connection& connection, database::CommitNotes& notes) {
  if (const int result = notes.commit(); result != 0)
    sqlite::raise(connection, result, {}, {.commit_state = sqlite::commit_state_after(result)});
}

/// `work` in a transaction of its own, with the turn.
template <class Work>
void write(Core& core, const Call& call, Priority priority, const Work& work) {
  const auto run = [&](sqlite::Connection& connection, database::CommitNotes& notes) {
    begin(connection);
    try {
      work(connection);
      commit(connection, notes);
    } catch (...) {
      connection.clean_up();
      throw;
    }
  };
  core.with_writer(call, priority, run);
}

}  // namespace

Maintenance::Maintenance(std::shared_ptr<detail::Core> core) noexcept : core_(std::move(core)) {}

// The mask adds tables that this connection has not queried: it writes, and others read.
void Maintenance::optimize(const MaintenanceOptions& options, std::source_location where) const {
  write(*core_, write_call(*core_, options, where), options.priority,
        [](sqlite::Connection& connection) { connection.execute("PRAGMA optimize=0x10002"); });
}

void Maintenance::analyze(const MaintenanceOptions& options, std::source_location where) const {
  write(*core_, write_call(*core_, options, where), options.priority,
        [](sqlite::Connection& connection) { connection.execute_script("ANALYZE"); });
}

std::int64_t Maintenance::incremental_vacuum(std::int64_t pages, const MaintenanceOptions& options,
                                             std::source_location where) const {
  constexpr std::int64_t kIncremental = 2;
  std::int64_t freed = 0;
  std::int64_t total = pages;
  for (bool goes_on = true; goes_on;) {
    // Each slice is a call of its own, with its own deadline.
    const Call call = write_call(*core_, options, where);
    write(*core_, call, Priority::Bulk, [&](sqlite::Connection& connection) {
      if (connection.query_integer("PRAGMA auto_vacuum") != kIncremental) {
        sqlite::raise_misuse(code("AUTO_VACUUM_OFF"),
                             "the file was not made with AutoVacuum::Incremental", call);
      }
      const std::int64_t free = connection.query_integer("PRAGMA freelist_count");
      if (total == 0 || total > freed + free) total = freed + free;
      const std::int64_t slice = std::min(kSlicePages, total - freed);
      if (slice > 0) {
        connection.execute("PRAGMA incremental_vacuum(" + std::to_string(slice) + ")");
        freed += free - connection.query_integer("PRAGMA freelist_count");
      }
      goes_on = slice == kSlicePages && freed < total;
    });
    if (options.progress) options.progress({"vacuum", freed, total});
    Attention{call, options.progress}.require_wanted();
  }
  return freed;
}

// Not in a transaction, because it is one. What it writes goes through the log, which is copied
// back at once: until then the file has the size it had.
void Maintenance::vacuum(const MaintenanceOptions& options, std::source_location where) const {
  const Call call = write_call(*core_, options, where);
  const Attention attention{call, options.progress};
  const auto run = [&](sqlite::Connection& connection, database::CommitNotes& notes) {
    attention.tell("vacuum", 0, -1);
    // Looks whether the file is still in place, and waits for strangers.
    begin(connection);
    connection.rollback();
    attention.require_wanted();
    gate::sync_point("Maintenance:vacuum");
    notes.commit_by([&connection] { connection.execute("VACUUM"); });
    gate::sync_point("Maintenance:vacuumed");
    if (database::Checkpointer* const checkpointer = core_->checkpointer()) {
      static_cast<void>(checkpointer->checkpoint_now(connection, sqlite::CheckpointMode::Truncate,
                                                     Clock::now() + kAttempt));
    }
  };
  core_->with_writer(call, Priority::Normal, run);
}

CheckpointReport Maintenance::checkpoint(CheckpointMode mode, const MaintenanceOptions& options,
                                         std::source_location where) const {
  const Call call = write_call(*core_, options, where);
  const Attention attention{call, options.progress};
  CheckpointReport report;
  for (bool first = true;; first = false) {
    const auto run = [&](sqlite::Connection& connection, database::CommitNotes&) {
      database::Checkpointer* const checkpointer = core_->checkpointer();
      if (checkpointer == nullptr) {
        report.complete = true;
        return;
      }
      const auto passive =
          checkpointer->checkpoint_now(connection, sqlite::CheckpointMode::Passive, Clock::now());
      if (first) report.log_frames = std::max(passive.log_frames, 0);
      report.copied_frames = std::max(passive.copied_frames, 0);
      report.complete = passive.code == 0 && passive.copied_frames == passive.log_frames;
      if (mode == CheckpointMode::Passive) {
        if (passive.code != 0 && !passive.busy) sqlite::raise(connection, passive.code);
        return;
      }
      const auto all = checkpointer->checkpoint_now(connection, sqlite::CheckpointMode::Truncate,
                                                    Clock::now() + kAttempt);
      report.complete = all.code == 0;
      if (all.code != 0 && !all.busy) sqlite::raise(connection, all.code);
    };
    core_->with_writer(call, Priority::Normal, run);
    if (report.complete || mode == CheckpointMode::Passive || call.deadline.expired())
      return report;
    attention.require_wanted();
    // sleep: SQLite tells nobody that a reader has ended, and others may write meanwhile.
    std::this_thread::sleep_until(call.deadline.within(kPause));
  }
}

std::vector<std::string> Maintenance::integrity_check(IntegrityCheck check,
                                                      const MaintenanceOptions& options,
                                                      std::source_location where) const {
  const Call call = read_call(*core_, options, where);
  std::vector<std::string> problems;
  core_->read_aside(call, [&](sqlite::Connection& connection) {
    problems = database::find_damage(connection, check, {call, options.progress});
  });
  return problems;
}

std::vector<ForeignKeyViolation> Maintenance::foreign_key_check(const MaintenanceOptions& options,
                                                                std::source_location where) const {
  const Call call = read_call(*core_, options, where);
  std::vector<ForeignKeyViolation> violations;
  core_->read_aside(call, [&](sqlite::Connection& connection) {
    for (auto& [table, rowid, parent] :
         connection
             .prepare("SELECT \"table\", rowid, parent FROM pragma_foreign_key_check LIMIT 1000")
             .query<std::string, std::optional<std::int64_t>, std::string>()
             .all()) {
      violations.push_back({std::move(table), rowid, std::move(parent)});
    }
  });
  return violations;
}

// The command is an INSERT into a column of the table's name, which any other table could have.
void Maintenance::rebuild_text_index(std::string_view table, const MaintenanceOptions& options,
                                     std::source_location where) const {
  const Call call = write_call(*core_, options, where);
  write(*core_, call, Priority::Normal, [&](sqlite::Connection& connection) {
    const bool is_text_index =
        connection
            .prepare(
                "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND lower(name) = lower(?)"
                " AND sql LIKE 'CREATE VIRTUAL TABLE%USING%fts5%'")
            .query<std::int64_t>(table)
            .first()
            .has_value();
    if (!is_text_index) {
      sqlite::raise_misuse(code("TEXT_INDEX_UNKNOWN"),
                           "there is no FTS5 table '" + std::string(table) + "'", call);
    }
    const std::string name = sqlite::sql_name(table);
    connection.execute_script("INSERT INTO " + name + "(" + name + ") VALUES ('rebuild')");
  });
}

std::vector<PageStatistics> Maintenance::page_statistics(const MaintenanceOptions& options,
                                                         std::source_location where) const {
  const Call call = read_call(*core_, options, where);
  std::vector<PageStatistics> statistics;
  core_->read_aside(call, [&](sqlite::Connection& connection) {
    for (auto& [name, pages, bytes, unused] :
         connection
             .prepare("SELECT name, pageno, pgsize, unused FROM dbstat WHERE aggregate = TRUE"
                      " ORDER BY pgsize DESC, name")
             .query<std::string, std::int64_t, std::int64_t, std::int64_t>()
             .all()) {
      statistics.push_back({std::move(name), pages, bytes, unused});
    }
  });
  return statistics;
}

}  // namespace turnstile
