// What is in a database, read beside or without its programs, and never in their way.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "sqlite/quote.h"

struct sqlite3;

namespace turnstile::diagnose {

/// A connection that can only read. Threads: confined.
class Content {
 public:
  enum class Manner {
    Still,    ///< Nobody uses the file: no locks, and the log is read into memory.
    Logless,  ///< The same without the log beside it: what the file itself is.
    Beside,   ///< Others use it with a write-ahead log: a snapshot for each question.
  };
  /// `longest`: how long a question may take.
  Content(std::filesystem::path path, Manner manner,
          std::optional<std::chrono::milliseconds> longest, std::stop_token stop);
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;
  ~Content() = default;

  using Row = std::vector<std::string>;  ///< NULL is an empty text.
  /// Threads: immutable.
  struct Answer {
    std::vector<Row> rows{};
    std::string problem{};  ///< Why there is no answer; a clause. Empty: it is complete.
    bool too_long = false;  ///< It would have taken longer than it may.
    bool damaged = false;   ///< The file is, or is no database.
  };
  /// Runs one statement. Throws Cancelled.
  [[nodiscard]] Answer ask(const std::string& sql) const;

  [[nodiscard]] Manner manner() const noexcept { return manner_; }

 private:
  struct Close {
    void operator()(sqlite3* handle) const noexcept;
  };
  static int on_progress(void* self) noexcept;
  void open();

  const std::filesystem::path path_;
  const Manner manner_;
  const std::optional<std::chrono::milliseconds> longest_;
  const std::stop_token stop_;
  mutable std::optional<std::chrono::steady_clock::time_point> end_;
  std::string why_not_open_;
  std::unique_ptr<sqlite3, Close> handle_;
};

using sqlite::sql_name;
using sqlite::sql_text;

}  // namespace turnstile::diagnose
