// The SQL that connections of this process run, whoever opens them.
#pragma once

#include <sqlite3.h>

#include <mutex>
#include <regex>
#include <string>
#include <vector>

namespace turnstile::test {

/// All SQL of all connections of this process, by connection; one at a time.
///
/// Threads: shared.
class SqlTrace {
 public:
  SqlTrace() {
    statements().clear();
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(&attach));
  }
  ~SqlTrace() { sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(&attach)); }
  SqlTrace(const SqlTrace&) = delete;
  SqlTrace& operator=(const SqlTrace&) = delete;

  struct Entry {
    const sqlite3* connection;
    std::string sql;
  };
  /// Those in which `pattern` is found.
  [[nodiscard]] static std::vector<Entry> matching(const char* pattern) {
    const std::regex regex(pattern, std::regex::icase);
    const std::lock_guard lock(mutex());
    std::vector<Entry> found;
    for (const Entry& entry : statements())
      if (std::regex_search(entry.sql, regex)) found.push_back(entry);
    return found;
  }

 private:
  static int attach(sqlite3* connection, const char** /*error*/, const void* /*routines*/) {
    return sqlite3_trace_v2(connection, SQLITE_TRACE_STMT, &on_statement, connection);
  }
  static int on_statement(unsigned /*event*/, void* connection, void* statement, void* /*sql*/) {
    const char* sql = sqlite3_sql(static_cast<sqlite3_stmt*>(statement));
    const std::lock_guard lock(mutex());
    statements().push_back({static_cast<const sqlite3*>(connection), sql});
    return 0;
  }
  static std::mutex& mutex() {
    static std::mutex instance;
    return instance;
  }
  static std::vector<Entry>& statements() {
    static std::vector<Entry> instance;
    return instance;
  }
};

/// A pattern for SqlTrace::matching().
inline constexpr const char* kSetsJournalMode = R"(journal_mode\s*[=(])";

}  // namespace turnstile::test
