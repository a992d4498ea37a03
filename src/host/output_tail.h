// The end of what a program writes, as text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace turnstile::host {

/// Threads: confined.
class OutputTail {
 public:
  /// Keeps `limit` bytes.
  explicit OutputTail(std::size_t limit) noexcept : limit_(limit) {}

  void append(std::string_view bytes);

  [[nodiscard]] std::size_t total_bytes() const noexcept { return total_; }

  /// The last bytes as valid UTF-8, see ShellOutcome::output.
  [[nodiscard]] std::string text() const;

 private:
  const std::size_t limit_;
  std::size_t total_ = 0;
  std::string bytes_;
};

}  // namespace turnstile::host
