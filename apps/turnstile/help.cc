#include <fmt/core.h>
#include <fmt/ranges.h>

#include <string>
#include <utility>
#include <vector>

#include "command.h"
#include "context.h"
#include "failure.h"
#include "json.h"
#include "manual.h"
#include "text.h"
#include "turnstile/error.h"

namespace turnstile::cli {

namespace {

void print_exit_codes(Context& context) {
  if (context.arguments.json()) {
    Json array = Json::array();
    for (const ExitCodeInfo& entry : kExitCodes)
      array.push_back({{"status", static_cast<int>(entry.code)}, {"meaning", entry.meaning}});
    context.output.write_json(array);
    return;
  }
  Table table(context.output, {"status", "meaning"});
  for (const ExitCodeInfo& entry : kExitCodes) {
    table.add(
        {{fmt::format("{}", static_cast<int>(entry.code)), true}, {std::string(entry.meaning)}});
  }
  table.finish();
}

void print_errors(Context& context) {
  std::vector<ErrorCodeInfo> codes(error_codes().begin(), error_codes().end());
  codes.insert(codes.end(), kProgramCodes.begin(), kProgramCodes.end());
  if (context.arguments.json()) {
    Json array = Json::array();
    for (const ErrorCodeInfo& entry : codes)
      array.push_back({{"code", entry.code}, {"meaning", entry.meaning}, {"hint", entry.hint}});
    context.output.write_json(array);
    return;
  }
  for (const ErrorCodeInfo& entry : codes) {
    const Style& style = context.output.style();
    context.output.write(fmt::format("{}{}{}\n  {}\n  {}\n", style.bold, entry.code, style.plain,
                                     entry.meaning, entry.hint));
  }
}

[[noreturn]] void fail_unknown(const std::string& topic, const CommandTable& table) {
  std::vector<std::string_view> known(help_topics().begin(), help_topics().end());
  for (const std::string_view word : table.first_words())
    known.push_back(word);
  for (const Command* command : table.all())
    known.push_back(command->name);
  const std::string_view best = nearest(topic, known);
  throw usage_failure(fmt::format("there is no help on '{}'", topic),
                      best.empty() ? "`turnstile help` lists the commands."
                                   : fmt::format("Did you mean {}?", best));
}

}  // namespace

ExitCode run_help(Context& context) {
  const CommandTable& table = context.table;
  const std::string topic =
      fmt::format("{}", fmt::join(context.arguments.positionals("TOPIC"), " "));
  if (context.arguments.has("--man"))
    context.output.write(man_page(table));
  else if (topic.empty())
    context.output.write(overview(table));
  else if (topic == "exit-codes")
    print_exit_codes(context);
  else if (topic == "errors")
    print_errors(context);
  else if (const Command* command = table.find(topic))
    context.output.write(help_of(*command));
  else if (const Group* group = table.find_group(topic))
    context.output.write(help_of(*group));
  else
    fail_unknown(topic, table);
  return ExitCode::Done;
}

}  // namespace turnstile::cli
