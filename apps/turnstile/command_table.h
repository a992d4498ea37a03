// All commands of a program, those of one word and those of groups.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "command.h"

namespace turnstile::cli {

/// Looks commands up. Does not own them. Threads: immutable.
class CommandTable {
 public:
  /// Both in the order in which the help lists them.
  CommandTable(std::span<const Command> singles, std::span<const Group* const> groups) noexcept
      : singles_(singles), groups_(groups) {}

  /// The commands of one word.
  [[nodiscard]] std::span<const Command> singles() const noexcept { return singles_; }
  [[nodiscard]] std::span<const Group* const> groups() const noexcept { return groups_; }

  /// The commands of one word and then those of each group.
  [[nodiscard]] std::vector<const Command*> all() const;
  /// What may be the first word of a command line: the commands of one word and the groups.
  [[nodiscard]] std::vector<std::string_view> first_words() const;

  /// By the whole name, such as `query` or `task add`; null when there is none.
  [[nodiscard]] const Command* find(std::string_view name) const noexcept;
  /// Null when there is none.
  [[nodiscard]] const Group* find_group(std::string_view name) const noexcept;

 private:
  std::span<const Command> singles_;
  std::span<const Group* const> groups_;
};

/// That of `turnstile`.
[[nodiscard]] const CommandTable& command_table() noexcept;

/// `task add`.
[[nodiscard]] std::string full_name(const Group& group, std::string_view second_word);
/// `add`: the name without that of the group.
[[nodiscard]] std::string_view second_word(const Command& command) noexcept;
[[nodiscard]] std::vector<std::string_view> second_words(const Group& group);

/// The rows of commands.cc.
[[nodiscard]] std::span<const Command> single_commands() noexcept;
/// One for each folder with a commands.cc, by name. Its definition is made by CMake.
[[nodiscard]] std::span<const Group* const> command_groups() noexcept;

}  // namespace turnstile::cli
