#include <fmt/core.h>
#include <fmt/ranges.h>

#include "completions.h"

namespace turnstile::cli {

namespace {

// fish escapes quotes with backslashes.
std::string fish_quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += '\\';
    result += c;
  }
  return result + "'";
}

// For complete's -n: whether these words are the command so far. Empty: none yet.
std::string where_command_is(std::string_view name) {
  return fmt::format(" -n {}", fish_quoted(fmt::format("__turnstile_at \"{}\"", name)));
}

std::string complete_flags(std::span<const Flag> flags, const std::string& condition,
                           const CommandTable& table) {
  std::string text;
  for (const Flag& flag : flags) {
    text += fmt::format("complete -c turnstile{} -l {}", condition, flag.name.substr(2));
    text += flag.letter == '\0' ? "" : fmt::format(" -s {}", flag.letter);
    if (!flag.value.empty()) {
      text += flag.words == Words::Files ? " -r -F" : " -x";
      const std::vector<std::string_view> offered = offers(flag.words, flag.choices, table);
      if (!offered.empty()) text += fmt::format(" -a '{}'", fmt::join(offered, " "));
    }
    text += fmt::format(" -d {}\n", fish_quoted(flag.help));
  }
  return text;
}

std::string complete_word(std::string_view word, std::string_view after, std::string_view summary) {
  return fmt::format("complete -c turnstile{} -a {} -d {}\n", where_command_is(after), word,
                     fish_quoted(summary));
}

std::string complete_command(const Command& command, const CommandTable& table) {
  const std::string condition = where_command_is(command.name);
  std::string text = complete_flags(command.flags, condition, table);
  for (const Positional& positional : command.positionals) {
    const std::vector<std::string_view> offered =
        offers(positional.words, positional.choices, table);
    if (positional.words == Words::Files || positional.words == Words::Program)
      text += fmt::format("complete -c turnstile{} -F\n", condition);
    else if (!offered.empty())
      text += fmt::format("complete -c turnstile{} -a '{}'\n", condition, fmt::join(offered, " "));
  }
  return text;
}

void add_values(std::string_view command, std::span<const Flag> flags,
                std::vector<std::string>& patterns) {
  for (const Flag& flag : flags)
    for (const std::string& spelling : spellings_of(flag))
      if (!flag.value.empty())
        patterns.push_back(fish_quoted(fmt::format("{}:{}", command, spelling)));
}

// The function that finds out which command is on the line: its words without flags and their
// values.
std::string finder(const CommandTable& table) {
  std::vector<std::string> values;
  add_values("*", global_flags(), values);
  for (const Command* command : table.all())
    add_values(command->name, command->flags, values);
  std::vector<std::string_view> groups;
  for (const Group* group : table.groups())
    groups.push_back(group->name);
  return fmt::format(R"(function __turnstile_at
    set -l words (commandline -opc)
    set -l command ''
    set -l is_value 0
    for word in $words[2..-1]
        if test $is_value = 1
            set is_value 0
            continue
        end
        switch "$command:$word"
            case {0}
                set is_value 1
            case '*:-*'
            case '*'
                if test -z "$command"
                    set command $word
                else if contains -- "$command" {1}
                    set command "$command $word"
                else
                    break
                end
        end
    end
    test "$command" = "$argv[1]"
end
)",
                     fmt::join(values, " "), fmt::join(groups, " "));
}

}  // namespace

std::string fish_script(const CommandTable& table) {
  std::string text = "# Completion of turnstile for fish: turnstile completions fish | source\n" +
                     finder(table) + "complete -c turnstile -f\n";
  for (const Command& command : table.singles())
    text += complete_word(command.name, "", command.summary);
  for (const Group* group : table.groups()) {
    text += complete_word(group->name, "", group->summary);
    for (const Command& command : group->commands)
      text += complete_word(second_word(command), group->name, command.summary);
  }
  text += complete_flags(global_flags(), "", table);
  for (const Command* command : table.all())
    text += complete_command(*command, table);
  return text;
}

}  // namespace turnstile::cli
