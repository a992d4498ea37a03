// SQLite without Turnstile, as published advice has it.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <vector>

#include "bench/side.h"

namespace turnstile::cli::bench {

/// A connection with a busy timeout, whose writes begin with BEGIN IMMEDIATE and whose statements
/// are prepared once. Threads: confined.
class PlainConnection {
 public:
  /// Throws Failure when it cannot be opened.
  PlainConnection(const std::string& path, Synchronous synchronous,
                  std::chrono::milliseconds timeout);

  [[nodiscard]] std::optional<std::string> write(std::int64_t key);
  [[nodiscard]] std::optional<std::string> read(std::int64_t key);

 private:
  struct Close {
    void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const noexcept { sqlite3_finalize(handle); }
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

  [[nodiscard]] Statement prepare(std::string_view sql) const;
  [[nodiscard]] int write_once(std::int64_t key) const noexcept;

  std::unique_ptr<sqlite3, Close> handle_;
  Statement begin_;
  Statement insert_;
  Statement count_;
  Statement commit_;
  Statement rollback_;
  Statement select_;
  std::int64_t value_ = 0;  // What read() has copied, as a program would.
  std::string payload_;
};

/// A connection a thread.
class PlainSide final : public Side {
 public:
  PlainSide(const std::string& path, const Settings& settings);

  [[nodiscard]] std::optional<std::string> write(std::size_t place, std::int64_t key) override {
    return connections_[place]->write(key);
  }
  [[nodiscard]] std::optional<std::string> read(std::size_t place, std::int64_t key) override {
    return connections_[place]->read(key);
  }

 private:
  std::vector<std::unique_ptr<PlainConnection>> connections_;
};

}  // namespace turnstile::cli::bench
