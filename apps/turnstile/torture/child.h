// A process that a torture run starts.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace turnstile::cli::torture {

/// Killed and reaped at the latest when it is destroyed. What it prints, on standard error too, is
/// read by lines.
///
/// Threads: confined, but for read_lines().
class Child {
 public:
  /// Starts this program again.
  [[nodiscard]] static Child of_this_program(std::vector<std::string> words);
  /// `words.front()` is looked for in PATH. Throws std::system_error when it cannot be started.
  explicit Child(std::vector<std::string> words, bool is_this_program = false);
  Child(Child&& other) noexcept;
  Child& operator=(Child&&) = delete;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  /// What it is told after its end is lost.
  void send(std::string_view line) const noexcept;
  void close_input() noexcept;
  /// Calls `take` with each line until the output ends. Threads: one at a time, any.
  void read_lines(const std::function<void(std::string_view)>& take) const;

  void signal(int number) const noexcept;
  /// The size that a file of its may have from now on; empty: any.
  void limit_file_size(std::optional<rlim_t> bytes) const noexcept;
  /// The exit code, or minus the signal that ended it; empty while it runs.
  [[nodiscard]] std::optional<int> poll() noexcept;
  int wait() noexcept;

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  std::optional<int> status_;
};

/// A program's exit code and what it printed.
struct Finished {
  int status = 0;
  std::string output;
};
[[nodiscard]] Finished run_to_end(Child child);

}  // namespace turnstile::cli::torture
