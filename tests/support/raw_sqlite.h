// SQLite itself, as any other program of this process's would use it: to make files that the
// library has not made, and to look at those that it has.
#pragma once

#include <sqlite3.h>

#include <stdexcept>
#include <string>

namespace turnstile::test {

/// Threads: confined.
class RawSqlite {
 public:
  explicit RawSqlite(const std::string& path) {
    if (sqlite3_open(path.c_str(), &handle_) != SQLITE_OK) {
      sqlite3_close(handle_);
      throw std::runtime_error("cannot open " + path);
    }
  }
  ~RawSqlite() { sqlite3_close(handle_); }
  RawSqlite(const RawSqlite&) = delete;
  RawSqlite& operator=(const RawSqlite&) = delete;

  /// Runs statements; the first column of the last row, empty when there is none.
  std::string run(const std::string& sql) {
    std::string value;
    const auto on_row = [](void* out, int columns, char** texts, char**) {
      if (columns > 0 && texts[0] != nullptr) *static_cast<std::string*>(out) = texts[0];
      return 0;
    };
    if (sqlite3_exec(handle_, sql.c_str(), on_row, &value, nullptr) != SQLITE_OK)
      throw std::runtime_error(sql + ": " + sqlite3_errmsg(handle_));
    return value;
  }

 private:
  sqlite3* handle_ = nullptr;
};

/// Runs statements on a connection that is closed again.
inline std::string run_raw(const std::string& path, const std::string& sql) {
  return RawSqlite(path).run(sql);
}

}  // namespace turnstile::test
