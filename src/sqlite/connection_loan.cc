// Connection's part that looks after what a closure may have left behind: temporary objects, and
// whatever code with the native handle has changed. Apart from connection.cc, which is about what
// happens in every call.
#include <sqlite3.h>

#include <string>
#include <string_view>
#include <utility>

#include "sqlite/connection.h"

namespace turnstile::sqlite {

namespace {

// Names in double quotes double those inside; names of SQLite's own cannot be dropped. What stands
// on others goes first, and so do virtual tables, whose own tables are protected.
constexpr std::string_view kDropAll =
    "SELECT group_concat(statement, '; ') FROM ("
    "SELECT 'DROP ' || type || ' IF EXISTS temp.\"' || replace(name, '\"', '\"\"') || '\"'"
    " AS statement FROM sqlite_temp_schema"
    " WHERE type IN ('table', 'view', 'trigger') AND name NOT GLOB 'sqlite_*'"
    " ORDER BY type DESC, sql LIKE 'CREATE VIRTUAL%' DESC)";

// Everything that the authorizer keeps application SQL from changing, and the C interface does not.
constexpr std::string_view kSettings =
    "SELECT concat_ws(',',"
    " (SELECT * FROM pragma_cache_size), (SELECT * FROM pragma_cache_spill),"
    " (SELECT * FROM pragma_journal_size_limit),"
    " (SELECT * FROM pragma_locking_mode), (SELECT * FROM pragma_query_only),"
    " (SELECT * FROM pragma_read_uncommitted), (SELECT * FROM pragma_recursive_triggers),"
    " (SELECT * FROM pragma_secure_delete), (SELECT * FROM pragma_synchronous),"
    " (SELECT * FROM pragma_temp_store), (SELECT * FROM pragma_automatic_index),"
    " (SELECT * FROM pragma_ignore_check_constraints),"
    " (SELECT count(*) FROM pragma_function_list), (SELECT count(*) FROM pragma_collation_list),"
    " (SELECT group_concat(name || '=' || file, ',') FROM pragma_database_list"
    " WHERE name <> 'temp'),"
    " (SELECT count(*) FROM sqlite_temp_schema WHERE name NOT GLOB 'sqlite_*'))";

}  // namespace

std::string Connection::describe_state() {
  std::string state = query_text(std::string(kSettings));
  for (int setting = SQLITE_DBCONFIG_ENABLE_FKEY; setting <= SQLITE_DBCONFIG_MAX; ++setting) {
    int value = 0;
    if (sqlite3_db_config(handle_, setting, -1, &value) == SQLITE_OK)
      (state += ' ').append(std::to_string(value));
  }
  for (int limit = SQLITE_LIMIT_LENGTH; limit <= SQLITE_LIMIT_WORKER_THREADS; ++limit)
    (state += ' ').append(std::to_string(sqlite3_limit(handle_, limit, -1)));
  return state;
}

// A connection that nobody has had on loan is as it was set up: SQL cannot change it.
sqlite3* Connection::lend() {
  if (state_before_loans_.empty()) state_before_loans_ = describe_state();
  lent_ = true;
  lent_at_ = call().where;
  return handle_;
}

// Of handlers and hooks SQLite does not tell whose they are. That they end here is no repair: a
// hook for one transaction has no better place to end.
bool Connection::take_back() {
  lent_ = false;
  install_handlers();
  sqlite3_commit_hook(handle_, nullptr, nullptr);
  sqlite3_rollback_hook(handle_, nullptr, nullptr);
  sqlite3_update_hook(handle_, nullptr, nullptr);
  sqlite3_trace_v2(handle_, 0, nullptr, nullptr);
  return describe_state() == state_before_loans_;
}

void Connection::take_over(Connection& fresh) noexcept {
  statements_->clear();
  shown_ = nullptr;
  {
    const std::lock_guard lock(handle_mutex_);
    std::swap(handle_, fresh.handle_);
  }
  std::swap(verbs_, fresh.verbs_);
  install_handlers();
  lent_ = false;
  made_temporary_ = false;
  state_before_loans_.clear();
}

bool Connection::drop_temporary_objects() {
  if (!made_temporary_) return false;
  if (lent_) end_strays();
  const std::string drop_all = query_text(std::string(kDropAll));
  if (!drop_all.empty()) execute(drop_all);
  made_temporary_ = false;
  return !drop_all.empty();
}

}  // namespace turnstile::sqlite
