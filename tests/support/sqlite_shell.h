// The `sqlite3` program, as the foreign writer that knows nothing of turns and gates.
#pragma once

#include <string>
#include <string_view>

#include "support/child_process.h"

namespace turnstile::test {

/// Keeps its transaction open between two calls of run(). Killed at the latest when destroyed.
///
/// Threads: confined.
class SqliteShell {
 public:
  explicit SqliteShell(const std::string& database)
      : process_({"sh", "-c", "exec sqlite3 -batch -init /dev/null \"$1\" 2>&1", "sh", database}) {}

  [[nodiscard]] pid_t pid() const noexcept { return process_.pid(); }

  /// Runs statements; what they print, error messages included.
  std::string run(std::string_view sql) {
    process_.send(std::string(sql) + ";");
    process_.send(".print " + std::string(kDone));
    std::string output;
    for (std::string line = process_.read_line(); line != kDone; line = process_.read_line())
      output += line + '\n';
    return output;
  }
  /// Does not wait until they have run.
  void start(std::string_view sql) { process_.send(std::string(sql) + ";"); }

  /// Signals, and the end.
  [[nodiscard]] ChildProcess& process() noexcept { return process_; }

 private:
  static constexpr std::string_view kDone = "-- turnstile: done";

  ChildProcess process_;
};

}  // namespace turnstile::test
