// One line of an answer from a helper program: `ok` or `error`, then fields `key=value`, all
// separated by tabs.
#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <string>
#include <string_view>

#include "turnstile/error.h"

namespace turnstile::test {

/// Threads: confined.
class Reply {
 public:
  explicit Reply(bool ok) : ok_(ok) {}
  /// Throws std::runtime_error for a line that is no reply.
  [[nodiscard]] static Reply parse(std::string_view line);
  /// What a program says of an exception: the code, the holder, everything a test asks for.
  [[nodiscard]] static Reply of(const std::exception& error);

  Reply& set(std::string key, std::string_view value);
  Reply& set(std::string key, std::int64_t value);

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  /// Empty, or 0, when there is no such field.
  [[nodiscard]] std::string text(std::string_view key) const;
  [[nodiscard]] std::int64_t number(std::string_view key) const;

  /// The line, without a newline.
  [[nodiscard]] std::string line() const;

 private:
  bool ok_;
  std::map<std::string, std::string, std::less<>> fields_;
};

}  // namespace turnstile::test
