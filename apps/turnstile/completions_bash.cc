#include <fmt/core.h>
#include <fmt/ranges.h>

#include "completions.h"

namespace turnstile::cli {

namespace {

std::string words_reply(const std::vector<std::string_view>& words) {
  return fmt::format("COMPREPLY=($(compgen -W '{}' -- \"$current\"))", fmt::join(words, " "));
}

std::string reply(Words words, std::span<const std::string_view> choices,
                  const CommandTable& table) {
  if (words == Words::Files) return "COMPREPLY=($(compgen -f -- \"$current\"))";
  if (words == Words::Program) return "COMPREPLY=($(compgen -c -f -- \"$current\"))";
  return words_reply(offers(words, choices, table));
}

// The patterns of `case`, and what follows them, of flags with a value.
struct Values {
  std::vector<std::string> patterns;
  std::string branches;

  // `command` is a pattern in quotes.
  void add(const std::string& command, std::span<const Flag> flags, const CommandTable& table) {
    for (const Flag& flag : flags) {
      if (flag.value.empty()) continue;
      std::vector<std::string> of_flag;
      for (const std::string& spelling : spellings_of(flag))
        of_flag.push_back(fmt::format("{}:{}", command, spelling));
      branches += fmt::format("      {}) {}; return ;;\n", fmt::join(of_flag, "|"),
                              reply(flag.words, flag.choices, table));
      patterns.insert(patterns.end(), of_flag.begin(), of_flag.end());
    }
  }
};

std::string positionals_of(const Command& command, const CommandTable& table) {
  std::string text;
  for (std::size_t i = 0; i < command.positionals.size(); ++i) {
    const Positional& positional = command.positionals[i];
    text += fmt::format("    {}:{}) {} ;;\n", shell_quoted(command.name),
                        positional.repeats ? "*" : fmt::format("{}", i),
                        reply(positional.words, positional.choices, table));
  }
  return text;
}

// The second words of groups, where the first is in the variable `first`.
std::string second_words_by(std::string_view first, const CommandTable& table) {
  std::string branches;
  for (const Group* group : table.groups()) {
    branches +=
        fmt::format("    {}) {}; return ;;\n", group->name, words_reply(second_words(*group)));
  }
  return branches.empty() ? "" : fmt::format("  case ${} in\n{}  esac\n", first, branches);
}

// For `turnstile help GROUP`.
std::string topics_of_groups(const CommandTable& table) {
  if (table.find("help") == nullptr || table.groups().empty()) return "";
  return fmt::format("  if [[ $command:$count == help:1 ]]; then\n{}  fi\n",
                     second_words_by("previous", table));
}

std::string group_branch(const CommandTable& table) {
  std::vector<std::string_view> names;
  for (const Group* group : table.groups())
    names.push_back(group->name);
  return names.empty()
             ? ""
             : fmt::format("\n      {}) command=\"$command $word\" ;;", fmt::join(names, "|"));
}

}  // namespace

std::string bash_script(const CommandTable& table) {
  const std::string global = fmt::format("{}", fmt::join(spellings_of(global_flags()), " "));
  Values values;
  values.add("*", global_flags(), table);
  std::string flags;
  std::string positionals;
  for (const Command* command : table.all()) {
    const std::string name = shell_quoted(command->name);
    values.add(name, command->flags, table);
    flags += fmt::format("        {}) flags='{} {}' ;;\n", name,
                         fmt::join(spellings_of(command->flags), " "), global);
    positionals += positionals_of(*command, table);
  }
  return fmt::format(
      R"(# Completion of turnstile for bash: source <(turnstile completions bash)
_turnstile() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
  local command= flags='{0}' i word no_flags= count=0
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${{COMP_WORDS[i]}}
    if [[ -z $no_flags ]]; then
      case $command:$word in
        *:--) no_flags=1; continue ;;
        {1}) ((i++)); continue ;;
        *:-?*) continue ;;
      esac
    fi
    case $command in
      '') command=$word ;;{2}
      *) ((count++)) ;;
    esac
  done
  if [[ -z $no_flags ]]; then
    case $command:$previous in
{3}    esac
    if [[ $current == -* ]]; then
      case $command in
{4}      esac
      COMPREPLY=($(compgen -W "$flags" -- "$current"))
      return
    fi
  fi
  if [[ -z $command ]]; then
    {5}
    return
  fi
{6}{7}  case $command:$count in
{8}  esac
}}
complete -o filenames -F _turnstile turnstile
)",
      global, fmt::join(values.patterns, "|"), group_branch(table), values.branches, flags,
      words_reply(table.first_words()), second_words_by("command", table), topics_of_groups(table),
      positionals);
}

}  // namespace turnstile::cli
