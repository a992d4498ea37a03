// The command line, taken apart after the table of commands.
//
// It is done by hand because the table has to exist anyway (help, manual page, completions), and a
// parser library would be a second one beside it, with messages of its own to be translated.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "command_table.h"

namespace turnstile::cli {

constexpr std::chrono::milliseconds kDay = std::chrono::hours(24);

/// The words of one run. Refers to the table. Threads: immutable once parsed.
class Arguments {
 public:
  /// Throws Failure (USAGE). `words` are without the program's name.
  [[nodiscard]] static Arguments parse(const std::vector<std::string>& words,
                                       const CommandTable& table);

  /// Whether --json is among the words, for the errors of a line that does not parse.
  [[nodiscard]] static bool asks_for_json(const std::vector<std::string>& words) noexcept;

  /// Null when no command was named, which is so with --help and with no words at all only.
  [[nodiscard]] const Command* command() const noexcept { return command_; }
  /// That of the command, or the one that was named without a command; else null.
  [[nodiscard]] const Group* group() const noexcept { return group_; }
  [[nodiscard]] bool has(std::string_view flag) const { return values_.contains(flag); }
  /// Of a flag that does not repeat.
  [[nodiscard]] std::optional<std::string> value(std::string_view flag) const;
  /// Of a flag that does.
  [[nodiscard]] std::vector<std::string> values(std::string_view flag) const;
  /// Of a flag that takes a whole number; throws Failure (USAGE) when it is none, or is out of
  /// these bounds.
  [[nodiscard]] std::optional<std::int64_t> integer(
      std::string_view flag, std::int64_t least,
      std::int64_t most = std::numeric_limits<std::int64_t>::max()) const;
  /// Of a flag that takes a time; throws Failure (USAGE) when it is none, or a longer one.
  [[nodiscard]] std::optional<std::chrono::milliseconds> duration(
      std::string_view flag, std::chrono::milliseconds longest = kDay) const;
  /// Of --page-size; throws Failure (USAGE) when it is none of SQLite's.
  [[nodiscard]] std::optional<int> page_size() const;
  /// Empty when an optional one is missing.
  [[nodiscard]] std::string positional(std::string_view name) const;
  /// Of one that repeats.
  [[nodiscard]] std::vector<std::string> positionals(std::string_view name) const;

  [[nodiscard]] bool json() const { return has("--json"); }
  [[nodiscard]] std::chrono::milliseconds timeout() const noexcept { return timeout_; }

 private:
  class Parser;

  const Command* command_ = nullptr;
  const Group* group_ = nullptr;
  // By the name of the flag or positional in the table.
  std::map<std::string_view, std::vector<std::string>> values_;
  std::chrono::milliseconds timeout_{5000};
};

/// Reads 250ms, 5s, 2m, 12h and 7d; nothing for other text or more than `longest`.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(
    std::string_view text, std::chrono::milliseconds longest = kDay);

}  // namespace turnstile::cli
