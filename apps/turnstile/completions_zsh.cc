#include <fmt/core.h>
#include <fmt/ranges.h>

#include "completions.h"

namespace turnstile::cli {

namespace {

// What follows the last colon in a specification of zsh's _arguments.
std::string action(Words words, std::span<const std::string_view> choices,
                   const CommandTable& table) {
  if (words == Words::Files) return "_files";
  if (words == Words::Program) return " _normal";  // A blank: it takes no options for a heading.
  const std::vector<std::string_view> offered = offers(words, choices, table);
  return offered.empty() ? " " : fmt::format("({})", fmt::join(offered, " "));
}

// `[` and `]` surround the explanation there, and a colon ends it.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':') result += '\\';
    result += c;
  }
  return result;
}

std::string specifications(std::span<const Flag> flags, const CommandTable& table) {
  std::string text;
  for (const Flag& flag : flags) {
    for (const std::string& spelling : spellings_of(flag)) {
      std::string specification =
          fmt::format("{}{}[{}]", flag.repeats ? "*" : "", spelling, escaped(flag.help));
      if (!flag.value.empty()) {
        specification +=
            fmt::format(":{}:{}", escaped(flag.value), action(flag.words, flag.choices, table));
      }
      text += fmt::format(" \\\n        {}", shell_quoted(specification));
    }
  }
  return text;
}

// With a second colon `*::` the words so far are taken away, so that _normal sees a command line.
std::string specifications(std::span<const Positional> positionals, const CommandTable& table) {
  std::string text;
  for (std::size_t i = 0; i < positionals.size(); ++i) {
    const Positional& positional = positionals[i];
    const std::string place = positional.words == Words::Program ? "*:"
                              : positional.repeats               ? "*"
                                                                 : fmt::format("{}", i + 1);
    text +=
        fmt::format(" \\\n        {}",
                    shell_quoted(fmt::format("{}:{}:{}", place, escaped(positional.name),
                                             action(positional.words, positional.choices, table))));
  }
  return text;
}

std::string described(std::string_view word, std::string_view summary) {
  return fmt::format(" \\\n        {}", shell_quoted(fmt::format("{}:{}", word, escaped(summary))));
}

// Behind `--` a command line of its own begins, which _arguments does not see by itself.
std::string program_behind_dashes(const Command& command) {
  if (command.positionals.empty() || command.positionals.back().words != Words::Program) return "";
  return R"(
      local -i dashes=${words[(i)--]}
      if ((dashes < CURRENT)); then
        shift $dashes words
        ((CURRENT -= dashes))
        _normal
        return
      fi)";
}

// `audit)` and what is done then. In both cases _arguments has taken away the words before.
std::string branch(std::string_view word, const Command& command, const CommandTable& table) {
  return fmt::format("    {}){}\n      _arguments{}{}{} ;;\n", word, program_behind_dashes(command),
                     specifications(global_flags(), table), specifications(command.flags, table),
                     specifications(command.positionals, table));
}

// A function that completes the first of the words and then leaves it to the branch of that word.
std::string dispatcher(std::string_view name, const std::string& known, const std::string& branches,
                       const CommandTable& table) {
  return fmt::format(R"({0}() {{
  local context state state_descr line
  typeset -A opt_args
  _arguments -C{1} '1: :->command' '*:: :->arguments'
  case $state in
    command)
      local -a known=({2})
      _describe command known
      return ;;
  esac
  case $words[1] in
{3}  esac
}}
)",
                     name, specifications(global_flags(), table), known, branches);
}

}  // namespace

std::string zsh_script(const CommandTable& table) {
  std::string functions;
  std::string known;
  std::string branches;
  for (const Command& command : table.singles()) {
    known += described(command.name, command.summary);
    branches += branch(command.name, command, table);
  }
  for (const Group* group : table.groups()) {
    std::string seconds;
    std::string second_branches;
    for (const Command& command : group->commands) {
      seconds += described(second_word(command), command.summary);
      second_branches += branch(second_word(command), command, table);
    }
    functions +=
        dispatcher(fmt::format("_turnstile_{}", group->name), seconds, second_branches, table);
    known += described(group->name, group->summary);
    branches += fmt::format("    {0})\n      _turnstile_{0} ;;\n", group->name);
  }
  return fmt::format(R"(#compdef turnstile
# Completion of turnstile for zsh: turnstile completions zsh > "${{fpath[1]}}/_turnstile"
{}{}if [[ $funcstack[1] == _turnstile ]]; then
  _turnstile "$@"
else
  compdef _turnstile turnstile
fi
)",
                     functions, dispatcher("_turnstile", known, branches, table));
}

}  // namespace turnstile::cli
