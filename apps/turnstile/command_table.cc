#include "command_table.h"

#include <fmt/core.h>

#include <algorithm>

namespace turnstile::cli {

std::vector<const Command*> CommandTable::all() const {
  std::vector<const Command*> all;
  for (const Command& command : singles_)
    all.push_back(&command);
  for (const Group* group : groups_)
    for (const Command& command : group->commands)
      all.push_back(&command);
  return all;
}

std::vector<std::string_view> CommandTable::first_words() const {
  std::vector<std::string_view> words;
  for (const Command& command : singles_)
    words.push_back(command.name);
  for (const Group* group : groups_)
    words.push_back(group->name);
  return words;
}

const Command* CommandTable::find(std::string_view name) const noexcept {
  const auto find_in = [name](std::span<const Command> commands) -> const Command* {
    const auto found = std::ranges::find(commands, name, &Command::name);
    return found == commands.end() ? nullptr : &*found;
  };
  const Command* found = find_in(singles_);
  for (const Group* group : groups_)
    if (found == nullptr) found = find_in(group->commands);
  return found;
}

const Group* CommandTable::find_group(std::string_view name) const noexcept {
  const auto found =
      std::ranges::find(groups_, name, [](const Group* group) { return group->name; });
  return found == groups_.end() ? nullptr : *found;
}

const CommandTable& command_table() noexcept {
  static const CommandTable table(single_commands(), command_groups());
  return table;
}

std::string full_name(const Group& group, std::string_view second_word) {
  return fmt::format("{} {}", group.name, second_word);
}

std::string_view second_word(const Command& command) noexcept {
  return command.name.substr(command.name.find(' ') + 1);
}

std::vector<std::string_view> second_words(const Group& group) {
  std::vector<std::string_view> words;
  for (const Command& command : group.commands)
    words.push_back(second_word(command));
  return words;
}

}  // namespace turnstile::cli
