// A process of this program's own, for what needs more than one: it runs one part of a
// demonstration, and is spoken to in lines.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace turnstile::cli::demo {

struct HelperOptions {
  std::string directory;             ///< In which it works.
  std::size_t small_disk_bytes = 0;  ///< If any: a file system of that size is mounted there.
};

/// Killed at the latest when it is destroyed, and by the kernel when its parent ends.
///
/// Threads: confined. The thread that starts it must outlive it.
class Helper {
 public:
  /// Runs `turnstile demo CAUSE --part PART`. Throws Failure when the system starts no process.
  Helper(std::string_view cause, std::string_view part, const HelperOptions& options);
  Helper(Helper&& other) noexcept;
  Helper& operator=(Helper&&) = delete;
  Helper(const Helper&) = delete;
  Helper& operator=(const Helper&) = delete;
  ~Helper();

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

  /// Throws Failure when it has ended.
  void send(std::string_view line) const;
  /// The next line; throws Failure when it has ended.
  std::string hear();
  /// Ends its input and reads all that it writes; it is there still, if only as a zombie.
  void read_to_end();
  /// read_to_end(), waits for its end, and returns the last line that it wrote.
  std::string finish();
  /// Sends SIGSTOP and waits until it stands still.
  void stop() const;
  /// SIGKILL; waits for its end.
  void kill() noexcept;

 private:
  bool read_more();

  std::string name_;
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  std::string buffer_;
};

}  // namespace turnstile::cli::demo
