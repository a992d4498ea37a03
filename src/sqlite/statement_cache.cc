#include "sqlite/statement_cache.h"

#include <sqlite3.h>

#include <string>
#include <utility>

#include "sqlite/connection.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "sqlite/sql_text.h"

namespace turnstile::sqlite {

StatementCache::StatementCache(Connection& connection, std::size_t capacity)
    : connection_(connection), capacity_(capacity) {
  by_sql_.reserve(capacity + 1);
}

StatementCache::~StatementCache() {
  for (const Entry& entry : entries_)
    sqlite3_finalize(entry.handle);
}

StatementCache::Entry& StatementCache::take(std::string_view sql) {
  const auto found = by_sql_.find(sql);
  const bool is_known = found != by_sql_.end();
  if (is_known && !found->second->in_use) {
    Entry& entry = *found->second;
    entries_.splice(entries_.begin(), entries_, entry.self);
    entry.in_use = true;
    ++in_use_;
    return entry;
  }
  return prepare(sql, !is_known && capacity_ > 0);
}

StatementCache::Entry& StatementCache::prepare(std::string_view sql, bool cached) {
  require_sql_text(connection_, sql);
  connection_.traits_ = {};
  sqlite3_stmt* handle = nullptr;
  const char* begin = sql.data() == nullptr ? "" : sql.data();
  const char* end = nullptr;
  const int result = sqlite3_prepare_v3(connection_.handle(), begin, static_cast<int>(sql.size()),
                                        cached ? SQLITE_PREPARE_PERSISTENT : 0U, &handle, &end);
  // Here too when it fails: what is left there counts as compiled by whatever runs next.
  StatementTraits traits = std::exchange(connection_.traits_, {});
  if (result != SQLITE_OK) raise(connection_, result, sql);
  // Only its compilation tells that it makes something temporary, so that it is compiled each time.
  if (connection_.traits_.makes_temporary) cached = false;
  if (handle == nullptr) {
    require_nothing_behind(connection_, sql, 0);
    raise_statement_misuse(connection_, code("SQL_ERROR"), "there is no statement in the text",
                           sql);
  }

  if (spare_.empty()) spare_.emplace_front();
  entries_.splice(entries_.begin(), spare_, spare_.begin());
  Entry& entry = entries_.front();
  entry.connection = &connection_;
  entry.cache = this;
  entry.handle = handle;
  entry.self = entries_.begin();
  entry.cached = false;
  try {
    require_nothing_behind(connection_, sql, static_cast<std::size_t>(end - begin));
    entry.sql = sql;
    if (cached) by_sql_.emplace(entry.sql, &entry);
  } catch (...) {
    drop(entry);
    throw;
  }
  entry.cached = cached;
  entry.parameter_count = sqlite3_bind_parameter_count(handle);
  entry.read_only = sqlite3_stmt_readonly(handle) != 0;
  entry.writes = TableSet::of(std::exchange(traits.writes, {}));
  entry.traits = std::move(traits);
  entry.in_use = true;
  ++in_use_;
  if (by_sql_.size() > capacity_) evict_one();
  return entry;
}

void StatementCache::give_back(Entry& entry) noexcept {
  if (!entry.in_use || connection_.forked()) return;
  entry.end();
  entry.stale = true;
  if (entry.copied) entry.forget_bindings();
  entry.user = nullptr;
  entry.in_use = false;
  --in_use_;
  // More than fit were in use at once when this one came; it is the one that goes.
  if (!entry.cached || by_sql_.size() > capacity_) drop(entry);
}

int StatementCache::reclaim() noexcept {
  int open = 0;
  // Those in use were taken last or nearly so, and are among the first.
  for (auto it = entries_.begin(); in_use_ > 0 && it != entries_.end();) {
    Entry& entry = *it++;
    if (!entry.in_use) continue;
    if (entry.phase == Entry::Phase::Row) ++open;
    entry.expire();
    give_back(entry);
  }
  return open;
}

void StatementCache::clear() noexcept {
  reclaim();
  while (!entries_.empty())
    drop(entries_.front());
}

void StatementCache::evict_one() noexcept {
  for (auto it = entries_.rbegin(); it != entries_.rend(); ++it) {
    if (!it->cached || it->in_use) continue;
    drop(*it);
    return;
  }
}

void StatementCache::drop(Entry& entry) noexcept {
  if (connection_.shown_ == &entry) connection_.shown_ = nullptr;
  if (entry.cached) by_sql_.erase(entry.sql);
  sqlite3_finalize(entry.handle);
  entry.handle = nullptr;
  entry.stale = false;
  entry.sql.clear();
  entry.writes = nullptr;
  entry.cached = false;
  ++entry.generation;
  spare_.splice(spare_.begin(), entries_, entry.self);
}

}  // namespace turnstile::sqlite
