#include "bench/plain_side.h"

#include <fmt/core.h>

#include "failure.h"

namespace turnstile::cli::bench {

namespace {

[[noreturn]] void plain_failed(int result) {
  const bool is_full = (result & 0xff) == SQLITE_FULL;
  throw Failure(ExitCode::Storage, is_full ? "DB_DISK_FULL" : "DB_IO",
                fmt::format("plain SQLite failed: {} ({})", sqlite3_errstr(result), result),
                is_full ? "Free space, or run for a shorter time."
                        : "Name a directory on a disk that SQLite can use.");
}

// A lock that was not had in time is a figure; other trouble is the end.
std::optional<std::string> failure_of(int result) {
  if (result == SQLITE_OK) return std::nullopt;
  if ((result & 0xff) != SQLITE_BUSY) plain_failed(result);
  return sqlite3_errstr(result);
}

int run_to_end(sqlite3_stmt* statement) noexcept {
  while (sqlite3_step(statement) == SQLITE_ROW) {
  }
  return sqlite3_reset(statement);  // Again what the last step failed with.
}

}  // namespace

PlainConnection::PlainConnection(const std::string& path, Synchronous synchronous,
                                 std::chrono::milliseconds timeout) {
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  sqlite3* handle = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &handle, kFlags, nullptr);
  handle_.reset(handle);
  if (opened != SQLITE_OK) plain_failed(opened);
  sqlite3_busy_timeout(handle, static_cast<int>(timeout.count()));
  const bool is_full = synchronous == Synchronous::Full;
  const Statement set = prepare(is_full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
  if (const int result = run_to_end(set.get()); result != SQLITE_OK) plain_failed(result);
  begin_ = prepare("BEGIN IMMEDIATE");
  insert_ = prepare(kInsert);
  count_ = prepare(kCount);
  commit_ = prepare("COMMIT");
  rollback_ = prepare("ROLLBACK");
  select_ = prepare(kSelect);
}

PlainConnection::Statement PlainConnection::prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  const int result = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (result != SQLITE_OK) plain_failed(result);
  return Statement(statement);
}

int PlainConnection::write_once(std::int64_t key) const noexcept {
  sqlite3_bind_int64(insert_.get(), 1, key);
  sqlite3_bind_text(insert_.get(), 2, kPayload.data(), static_cast<int>(kPayload.size()),
                    SQLITE_STATIC);
  sqlite3_bind_int64(count_.get(), 1, key % kCounters);
  for (sqlite3_stmt* const each : {begin_.get(), insert_.get(), count_.get(), commit_.get()})
    if (const int result = run_to_end(each); result != SQLITE_OK) return result;
  return SQLITE_OK;
}

std::optional<std::string> PlainConnection::write(std::int64_t key) {
  const int result = write_once(key);
  if (result != SQLITE_OK && sqlite3_get_autocommit(handle_.get()) == 0)
    run_to_end(rollback_.get());
  return failure_of(result);
}

std::optional<std::string> PlainConnection::read(std::int64_t key) {
  sqlite3_stmt* const select = select_.get();
  sqlite3_bind_int64(select, 1, key);
  if (sqlite3_step(select) == SQLITE_ROW) {
    value_ = sqlite3_column_int64(select, 0);
    payload_.assign(reinterpret_cast<const char*>(sqlite3_column_text(select, 1)),
                    static_cast<std::size_t>(sqlite3_column_bytes(select, 1)));
  }
  return failure_of(sqlite3_reset(select));
}

PlainSide::PlainSide(const std::string& path, const Settings& settings) {
  for (int place = 0; place <= settings.threads; ++place) {
    connections_.push_back(
        std::make_unique<PlainConnection>(path, settings.synchronous, settings.timeout));
  }
}

}  // namespace turnstile::cli::bench
