#include "completions.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "context.h"
#include "demo/demo.h"
#include "turnstile/causes.h"

namespace turnstile::cli {

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

std::vector<std::string_view> offers(Words words, std::span<const std::string_view> choices,
                                     const CommandTable& table) {
  if (words == Words::Choices) return {choices.begin(), choices.end()};
  std::vector<std::string_view> names;
  if (words == Words::Causes)
    std::ranges::transform(causes(), std::back_inserter(names), &Cause::id);
  if (words == Words::Demos)
    std::ranges::transform(demo::all_demos(), std::back_inserter(names), &demo::Demo::name);
  if (words != Words::HelpTopics) return names;
  std::vector<std::string_view> topics = table.first_words();
  topics.insert(topics.end(), help_topics().begin(), help_topics().end());
  return topics;
}

std::string shell_quoted(std::string_view text) {
  std::string result = "'";
  for (const char c : text)  // Ends the quotes, escapes one, and begins again.
    result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

ExitCode run_completions(Context& context) {
  const std::string shell = context.arguments.positional("SHELL");
  context.output.write(shell == "bash"  ? bash_script(context.table)
                       : shell == "zsh" ? zsh_script(context.table)
                                        : fish_script(context.table));
  return ExitCode::Done;
}

}  // namespace turnstile::cli
