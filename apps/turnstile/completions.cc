// Completion scripts, made from the table of commands, so that they know every flag that there is.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <string>
#include <string_view>
#include <vector>

#include "command.h"
#include "context.h"

namespace turnstile::cli {

namespace {

std::vector<std::string> spellings_of(const Flag& flag) {
  std::vector<std::string> spellings{std::string(flag.name)};
  if (flag.letter != '\0') spellings.push_back(fmt::format("-{}", flag.letter));
  return spellings;
}

std::vector<std::string> spellings_of(std::span<const Flag> flags) {
  std::vector<std::string> spellings;
  for (const Flag& flag : flags)
    for (std::string& spelling : spellings_of(flag))
      spellings.push_back(std::move(spelling));
  return spellings;
}

std::vector<std::string_view> command_names() {
  std::vector<std::string_view> names;
  for (const Command& command : commands())
    names.push_back(command.name);
  return names;
}

// The words that may stand in a place, or nothing where only the user knows.
std::vector<std::string_view> offers(Words words, std::span<const std::string_view> choices) {
  std::vector<std::string_view> offered;
  if (words == Words::Choices)
    offered.assign(choices.begin(), choices.end());
  else if (words == Words::Commands || words == Words::HelpTopics)
    offered = command_names();
  if (words == Words::HelpTopics)
    offered.insert(offered.end(), help_topics().begin(), help_topics().end());
  return offered;
}

// In single quotes; bash and zsh end them, escape the quote, and begin again.
std::string shell_quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text)
    result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

std::string bash_reply(Words words, std::span<const std::string_view> choices) {
  if (words == Words::Files) return "COMPREPLY=($(compgen -f -- \"$current\"))";
  return fmt::format("COMPREPLY=($(compgen -W '{}' -- \"$current\"))",
                     fmt::join(offers(words, choices), " "));
}

// One branch of bash's `case`, for flags that take a value.
std::string bash_values(std::span<const Flag> flags, std::string_view command) {
  std::string text;
  for (const Flag& flag : flags) {
    if (!flag.value.empty()) {
      text += fmt::format("    {0}:{1}) {2}; return ;;\n", command,
                          fmt::join(spellings_of(flag), fmt::format("|{}:", command)),
                          bash_reply(flag.words, flag.choices));
    }
  }
  return text;
}

std::string bash_script() {
  std::vector<std::string> with_value;
  std::string values = bash_values(global_flags(), "*");
  std::string flags;
  std::string positionals;
  const std::string global = fmt::format("{}", fmt::join(spellings_of(global_flags()), " "));
  const auto note_values = [&with_value](std::span<const Flag> noted) {
    for (const Flag& flag : noted) {
      for (std::string& spelling : spellings_of(flag))
        if (!flag.value.empty()) with_value.push_back(std::move(spelling));
    }
  };
  note_values(global_flags());
  for (const Command& command : commands()) {
    note_values(command.flags);
    values += bash_values(command.flags, command.name);
    flags += fmt::format("      {}) flags='{} {}' ;;\n", command.name,
                         fmt::join(spellings_of(command.flags), " "), global);
    for (std::size_t i = 0; i < command.positionals.size(); ++i) {
      const Positional& positional = command.positionals[i];
      positionals += fmt::format("    {}:{}) {} ;;\n", command.name, i,
                                 bash_reply(positional.words, positional.choices));
    }
  }
  return fmt::format(
      R"(# Completion of turnstile for bash: source <(turnstile completions bash)
_turnstile() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
  local command= flags='{0}' i count=0
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${{COMP_WORDS[i]}} in
      {1}) ((i++)) ;;
      -*) ;;
      *) if [[ -z $command ]]; then command=${{COMP_WORDS[i]}}; else ((count++)); fi ;;
    esac
  done
  case $command:$previous in
{2}  esac
  if [[ $current == -* ]]; then
    case $command in
{3}    esac
    COMPREPLY=($(compgen -W "$flags" -- "$current"))
    return
  fi
  if [[ -z $command ]]; then
    COMPREPLY=($(compgen -W '{4}' -- "$current"))
    return
  fi
  case $command:$count in
{5}  esac
}}
complete -o filenames -F _turnstile turnstile
)",
      global, fmt::join(with_value, "|"), values, flags, fmt::join(command_names(), " "),
      positionals);
}

// What follows the last colon in a specification of zsh's _arguments.
std::string zsh_action(Words words, std::span<const std::string_view> choices) {
  if (words == Words::Files) return "_files";
  const std::vector<std::string_view> offered = offers(words, choices);
  return offered.empty() ? " " : fmt::format("({})", fmt::join(offered, " "));
}

// `[` and `]` surround the explanation there, and a colon ends it.
std::string zsh_text(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':') result += '\\';
    result += c;
  }
  return result;
}

std::string zsh_flags(std::span<const Flag> flags) {
  std::string text;
  for (const Flag& flag : flags) {
    for (const std::string& spelling : spellings_of(flag)) {
      std::string specification =
          fmt::format("{}{}[{}]", flag.repeats ? "*" : "", spelling, zsh_text(flag.help));
      if (!flag.value.empty()) {
        specification +=
            fmt::format(":{}:{}", zsh_text(flag.value), zsh_action(flag.words, flag.choices));
      }
      text += fmt::format(" \\\n        {}", shell_quoted(specification));
    }
  }
  return text;
}

std::string zsh_script() {
  std::string names;
  std::string branches;
  for (const Command& command : commands()) {
    names +=
        fmt::format(" \\\n        {}",
                    shell_quoted(fmt::format("{}:{}", command.name, zsh_text(command.summary))));
    std::string words;
    for (std::size_t i = 0; i < command.positionals.size(); ++i) {
      const Positional& positional = command.positionals[i];
      words += fmt::format(
          " \\\n        {}",
          shell_quoted(fmt::format("{}:{}:{}", positional.repeats ? "*" : std::to_string(i + 1),
                                   zsh_text(positional.name),
                                   zsh_action(positional.words, positional.choices))));
    }
    branches += fmt::format("    {})\n      _arguments{}{}{} ;;\n", command.name,
                            zsh_flags(global_flags()), zsh_flags(command.flags), words);
  }
  return fmt::format(R"(#compdef turnstile
# Completion of turnstile for zsh: turnstile completions zsh > "${{fpath[1]}}/_turnstile"
_turnstile() {{
  local context state state_descr line
  typeset -A opt_args
  _arguments -C{0} '1: :->command' '*:: :->arguments'
  case $state in
    command)
      local -a known=({1})
      _describe command known
      return ;;
  esac
  case $words[1] in
{2}  esac
}}
if [[ $funcstack[1] == _turnstile ]]; then _turnstile "$@"; else compdef _turnstile turnstile; fi
)",
                     zsh_flags(global_flags()), names, branches);
}

// fish escapes quotes with backslashes.
std::string fish_quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') result += '\\';
    result += c;
  }
  return result + "'";
}

std::string fish_flags(std::span<const Flag> flags, const std::string& condition) {
  std::string text;
  for (const Flag& flag : flags) {
    text += fmt::format("complete -c turnstile{} -l {}", condition, flag.name.substr(2));
    text += flag.letter == '\0' ? "" : fmt::format(" -s {}", flag.letter);
    if (!flag.value.empty()) {
      text += flag.words == Words::Files ? " -r -F" : " -x";
      const std::vector<std::string_view> offered = offers(flag.words, flag.choices);
      if (!offered.empty()) text += fmt::format(" -a '{}'", fmt::join(offered, " "));
    }
    text += fmt::format(" -d {}\n", fish_quoted(flag.help));
  }
  return text;
}

std::string fish_script() {
  std::string text =
      "# Completion of turnstile for fish: turnstile completions fish | source\n"
      "complete -c turnstile -f\n";
  for (const Command& command : commands()) {
    text += fmt::format("complete -c turnstile -n __fish_use_subcommand -a {} -d {}\n",
                        command.name, fish_quoted(command.summary));
  }
  text += fish_flags(global_flags(), "");
  for (const Command& command : commands()) {
    const std::string condition = fmt::format(" -n '__fish_seen_subcommand_from {}'", command.name);
    text += fish_flags(command.flags, condition);
    for (const Positional& positional : command.positionals) {
      const std::vector<std::string_view> offered = offers(positional.words, positional.choices);
      if (positional.words == Words::Files) {
        text += fmt::format("complete -c turnstile{} -F\n", condition);
      } else if (!offered.empty()) {
        text +=
            fmt::format("complete -c turnstile{} -a '{}'\n", condition, fmt::join(offered, " "));
      }
    }
  }
  return text;
}

}  // namespace

ExitCode run_completions(Context& context) {
  const std::string shell = context.arguments.positional("SHELL");
  context.output.write(shell == "bash"  ? bash_script()
                       : shell == "zsh" ? zsh_script()
                                        : fish_script());
  return ExitCode::Done;
}

}  // namespace turnstile::cli
