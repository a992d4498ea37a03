// SQLite's C interface as somebody who knows it well would use it: the opponent. It is the same
// engine, linked into the same program, and owns nothing that such a program would not own too.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/options.h"

namespace turnstile::bench {

/// RAII over sqlite3*. Threads: confined.
class RawConnection {
 public:
  /// Opens and configures as Turnstile does, where that is a setting: busy timeout, synchronous,
  /// foreign keys; cache and mapping stay at SQLite's defaults, as there. The journal mode is the
  /// file's and is set by whoever makes it.
  explicit RawConnection(const std::string& path, Synchronous synchronous = Synchronous::Normal) {
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    const int opened = sqlite3_open_v2(path.c_str(), &handle_, flags, nullptr);
    if (opened != SQLITE_OK) {
      const std::string message = path + ": " + sqlite3_errstr(opened);
      sqlite3_close(handle_);
      throw std::runtime_error(message);
    }
    sqlite3_busy_timeout(handle_, 5000);
    execute("PRAGMA foreign_keys=ON");
    execute(synchronous == Synchronous::Full ? "PRAGMA synchronous=FULL"
                                             : "PRAGMA synchronous=NORMAL");
  }
  ~RawConnection() { sqlite3_close(handle_); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  [[nodiscard]] sqlite3* handle() const noexcept { return handle_; }

  void execute(const std::string& sql) {
    if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
      throw std::runtime_error(sql + ": " + sqlite3_errmsg(handle_));
  }

 private:
  sqlite3* handle_ = nullptr;
};

/// RAII over sqlite3_stmt*, prepared once and run often. Values are bound without copies; columns
/// are copied out, as Turnstile does. Threads: confined.
class RawStatement {
 public:
  RawStatement(const RawConnection& connection, std::string_view sql)
      : database_(connection.handle()) {
    require(sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()),
                               SQLITE_PREPARE_PERSISTENT, &handle_, nullptr),
            SQLITE_OK);
  }
  ~RawStatement() { sqlite3_finalize(handle_); }
  RawStatement(const RawStatement&) = delete;
  RawStatement& operator=(const RawStatement&) = delete;

  void bind(int index, std::int64_t value) {
    require(sqlite3_bind_int64(handle_, index, value), SQLITE_OK);
  }
  void bind(int index, std::string_view value) {
    require(sqlite3_bind_text(handle_, index, value.data(), static_cast<int>(value.size()),
                              SQLITE_STATIC),
            SQLITE_OK);
  }
  void bind(int index, std::span<const std::byte> value) {
    require(sqlite3_bind_blob(handle_, index, value.data(), static_cast<int>(value.size()),
                              SQLITE_STATIC),
            SQLITE_OK);
  }

  /// Steps to a row; false at the end. A statement that failed is reset, so that it can be run
  /// again and its transaction be undone.
  bool step() {
    const int result = sqlite3_step(handle_);
    if (result == SQLITE_ROW) return true;
    if (result != SQLITE_DONE) reset();
    require(result, SQLITE_DONE);
    return false;
  }
  void reset() noexcept { sqlite3_reset(handle_); }
  void run() {
    step();
    reset();
  }

  [[nodiscard]] std::int64_t integer(int column) const {
    return sqlite3_column_int64(handle_, column);
  }
  [[nodiscard]] std::string text(int column) const {
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
  }
  [[nodiscard]] std::vector<std::byte> blob(int column) const {
    const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(handle_, column));
    return {data, data + sqlite3_column_bytes(handle_, column)};
  }
  /// SQLite's own bytes, there until the next step.
  [[nodiscard]] std::span<const std::byte> bytes(int column) const {
    const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(handle_, column));
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
  }

 private:
  void require(int result, int wanted) const {
    if (result != wanted) throw std::runtime_error(sqlite3_errmsg(database_));
  }

  sqlite3* database_;
  sqlite3_stmt* handle_ = nullptr;
};

}  // namespace turnstile::bench
