#include "manual.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>
#include <vector>

namespace turnstile::cli {

namespace {

constexpr std::size_t kColumns = 80;
constexpr std::string_view kSummary = "many programs on one SQLite file, without lock failures";

// The choices, where there are any: `table|json|csv|lines`.
std::string value_of(const Flag& flag) {
  return flag.choices.empty() ? std::string(flag.value)
                              : fmt::format("{}", fmt::join(flag.choices, "|"));
}

std::string usage_of(const Command& command) {
  std::string usage = fmt::format("turnstile {}", command.name);
  std::string program;
  for (const Positional& positional : command.positionals) {
    const bool is_program = positional.words == Words::Program;
    const std::string name = fmt::format("{}{}", is_program ? "-- " : "", positional.name);
    (is_program ? program : usage) +=
        fmt::format(fmt::runtime(positional.required ? " {}{}" : " [{}]{}"), name,
                    positional.repeats ? "..." : "");
  }
  for (const Flag& flag : command.flags) {
    const std::string name =
        flag.letter == '\0' ? std::string(flag.name) : fmt::format("-{}", flag.letter);
    const std::string text = flag.value.empty() ? name : fmt::format("{} {}", name, value_of(flag));
    usage += fmt::format(fmt::runtime(flag.required ? " {}{}" : " [{}]{}"), text,
                         flag.repeats ? "..." : "");
  }
  return usage + program;
}

std::string spelling_of(const Flag& flag) {
  std::string text =
      flag.letter == '\0' ? std::string(flag.name) : fmt::format("-{}, {}", flag.letter, flag.name);
  return flag.value.empty() ? text : fmt::format("{} {}", text, value_of(flag));
}

std::vector<std::string_view> paragraphs_of(std::string_view text) {
  std::vector<std::string_view> paragraphs;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\n\n"), text.size());
    paragraphs.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return paragraphs;
}

std::string wrapped(std::string_view text) {
  std::string result;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t length = std::min(text.find(' '), text.size());
    if (column != 0) {
      const bool fits = column + 1 + length <= kColumns;
      result += fits ? ' ' : '\n';
      column = fits ? column + 1 : 0;
    }
    result += text.substr(0, length);
    column += length;
    text.remove_prefix(std::min(length + 1, text.size()));
  }
  return result + '\n';
}

using Lines = std::vector<std::pair<std::string, std::string_view>>;

std::string two_columns(const Lines& lines) {
  std::size_t width = 0;
  for (const auto& [left, right] : lines)
    width = std::max(width, left.size());
  std::string text;
  for (const auto& [left, right] : lines)
    text += fmt::format("  {:{}}  {}\n", left, width, right);
  return text;
}

std::string flags_help(std::span<const Flag> flags) {
  Lines lines;
  for (const Flag& flag : flags)
    lines.emplace_back(spelling_of(flag), flag.help);
  return two_columns(lines);
}

// Text in man(7) source: a backslash is an escape there, a `-` a hyphen, and a line that begins
// with a dot or an apostrophe a request.
std::string roff(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else if (result.empty() && (c == '.' || c == '\'')) {
      result += "\\&";
      result += c;
    } else {
      result += c;
    }
  }
  return result;
}

std::string man_flags(std::span<const Flag> flags) {
  std::string text;
  for (const Flag& flag : flags)
    text += fmt::format(".TP\n.B {}\n{}\n", roff(spelling_of(flag)), roff(flag.help));
  return text;
}

std::string man_about(std::string_view name, const std::string& usage, std::string_view summary,
                      std::string_view details) {
  std::string sentence = roff(summary);
  sentence[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(sentence[0])));
  std::string text = fmt::format(".SS {}\n.B {}\n.PP\n{}.\n", roff(name), roff(usage), sentence);
  for (const std::string_view paragraph : paragraphs_of(details))
    text += fmt::format(".PP\n{}\n", roff(paragraph));
  return text;
}

std::string man_command(const Command& command) {
  std::string text = man_about(command.name, usage_of(command), command.summary, command.details);
  for (const Positional& positional : command.positionals)
    text += fmt::format(".TP\n.I {}\n{}\n", roff(positional.name), roff(positional.help));
  text += man_flags(command.flags);
  for (const Example& example : command.examples) {
    text += fmt::format(".PP\nExample, {}:\n.PP\n.EX\n    {}\n.EE\n", roff(example.what),
                        roff(example.command));
  }
  return text;
}

}  // namespace

std::string overview(const CommandTable& table) {
  Lines lines;
  for (const Command& command : table.singles())
    lines.emplace_back(command.name, command.summary);
  Lines groups;
  for (const Group* group : table.groups())
    groups.emplace_back(group->name, group->summary);
  return fmt::format(
      "turnstile: {}\n\nusage: turnstile COMMAND ...\n\ncommands:\n{}{}\nflags of every "
      "command:\n{}\nturnstile help COMMAND tells more. turnstile help exit-codes and turnstile "
      "help errors\nlist what can go wrong.\n",
      kSummary, two_columns(lines),
      groups.empty() ? "" : "\ngroups of commands:\n" + two_columns(groups),
      flags_help(global_flags()));
}

std::string help_of(const Group& group) {
  std::string text = fmt::format("turnstile {}: {}\n\nusage: turnstile {} COMMAND ...\n",
                                 group.name, group.summary, group.name);
  for (const std::string_view paragraph : paragraphs_of(group.details))
    text += "\n" + wrapped(paragraph);
  Lines lines;
  for (const Command& command : group.commands)
    lines.emplace_back(second_word(command), command.summary);
  return text + fmt::format("\ncommands:\n{}\nturnstile help {} COMMAND tells more.\n",
                            two_columns(lines), group.name);
}

std::string help_of(const Command& command) {
  std::string text = fmt::format("turnstile {}: {}\n\nusage: {}\n", command.name, command.summary,
                                 usage_of(command));
  if (!command.positionals.empty()) {
    Lines lines;
    for (const Positional& positional : command.positionals)
      lines.emplace_back(positional.name, positional.help);
    text += "\n" + two_columns(lines);
  }
  for (const std::string_view paragraph : paragraphs_of(command.details))
    text += "\n" + wrapped(paragraph);
  if (!command.flags.empty()) text += "\nflags:\n" + flags_help(command.flags);
  text += "\nflags of every command:\n" + flags_help(global_flags());
  if (!command.examples.empty()) {
    text += "\nexamples:\n";
    for (const Example& example : command.examples)
      text += fmt::format("  # {}\n  {}\n", example.what, example.command);
  }
  return text;
}

std::string man_page(const CommandTable& table) {
  std::string text = fmt::format(
      ".\\\" Made by `turnstile help --man` from the program's table of commands.\n"
      ".TH TURNSTILE 1 \"\" \"Turnstile\" \"User Commands\"\n.SH NAME\nturnstile \\- {}\n"
      ".SH SYNOPSIS\n.B turnstile\n.I COMMAND\n[\\,\\fIARGUMENTS\\fR\\/]...\n"
      ".SH DESCRIPTION\n{}\n.SH COMMANDS\n",
      roff(kSummary),
      roff("Data goes to standard output, messages and errors to standard error. An error is one "
           "sentence and a hint; with --json it is one JSON object."));
  for (const Command& command : table.singles())
    text += man_command(command);
  for (const Group* group : table.groups()) {
    text += man_about(group->name, fmt::format("turnstile {} COMMAND ...", group->name),
                      group->summary, group->details);
    for (const Command& command : group->commands)
      text += man_command(command);
  }
  text += ".SH OPTIONS OF EVERY COMMAND\n" + man_flags(global_flags()) + ".SH EXIT STATUS\n";
  for (const ExitCodeInfo& entry : kExitCodes)
    text += fmt::format(".TP\n.B {}\n{}\n", static_cast<int>(entry.code), roff(entry.meaning));
  text += fmt::format(".SH ENVIRONMENT\n.TP\n.B NO_COLOR\n{}\n.TP\n.B TURNSTILE_VEC0\n{}\n",
                      roff("when not empty, no colours on terminals"),
                      roff("the sqlite-vec library, whose version `turnstile version` shows"));
  return text;
}

}  // namespace turnstile::cli
