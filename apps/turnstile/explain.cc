#include <fmt/core.h>
#include <fmt/ranges.h>

#include <string>
#include <vector>

#include "causes_page.h"
#include "command.h"
#include "context.h"
#include "demo/demo.h"
#include "failure.h"
#include "json.h"
#include "text.h"
#include "turnstile/causes.h"

namespace turnstile::cli {

namespace {

std::vector<std::string> split_names(std::string_view names) {
  std::vector<std::string> all;
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(' '), names.size());
    if (end > 0) all.emplace_back(names.substr(0, end));
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return all;
}

Json to_json(const Cause& cause) {
  return {{"id", cause.id},
          {"title", cause.title},
          {"sqlite_codes", split_names(cause.sqlite_codes)},
          {"error_codes", split_names(cause.error_codes)},
          {"meaning", cause.meaning},
          {"signs", cause.signs},
          {"cure", cause.cure},
          {"with_turnstile", cause.turnstile},
          {"demo", demo::find_demo(cause.id) != nullptr}};
}

Json to_json(const Explanation& found) {
  Json result;
  if (found.result != nullptr)
    result = {{"number", found.result->number},
              {"name", found.result->name},
              {"message", found.result->message},
              {"meaning", found.result->meaning}};
  Json error;
  if (found.error != nullptr)
    error = {{"code", found.error->code},
             {"meaning", found.error->meaning},
             {"hint", found.error->hint}};
  Json array = Json::array();
  for (const Cause* const cause : found.causes)
    array.push_back(to_json(*cause));
  return {{"result", result}, {"error", error}, {"causes", array}};
}

// The text in lines of at most 80 columns, behind its name.
std::string paragraph(std::string_view name, std::string_view text) {
  constexpr std::size_t kWidth = 80;
  const std::string indent(2, ' ');
  std::string result = fmt::format("{}\n", name);
  std::string line = indent;
  for (const std::string& word : split_names(text)) {
    if (line.size() > indent.size() && line.size() + 1 + word.size() > kWidth) {
      result += line + "\n";
      line = indent;
    }
    line += (line.size() > indent.size() ? " " : "") + word;
  }
  return result + line + "\n";
}

void print_in_full(const Cause& cause, Output& output) {
  output.write(fmt::format("{}{}{}: {}\n\n", output.style().bold, cause.id, output.style().plain,
                           cause.title));
  output.write(paragraph("what happens", cause.meaning));
  output.write(paragraph("how to find out", cause.signs));
  output.write(paragraph("cure", cause.cure));
  output.write(paragraph("with Turnstile", cause.turnstile));
  if (!cause.sqlite_codes.empty()) output.write(paragraph("result codes", cause.sqlite_codes));
  if (cause.not_shown.empty())
    output.write(fmt::format("\n`turnstile demo {}` shows it.\n", cause.id));
}

void print(const Explanation& found, Output& output) {
  const Style& style = output.style();
  if (found.result != nullptr)
    output.write(fmt::format("{}{} ({}){}: {}\n", style.bold, found.result->name,
                             found.result->number, style.plain, found.result->meaning));
  if (found.error != nullptr)
    output.write(fmt::format("{}{}{}: {} {}\n", style.bold, found.error->code, style.plain,
                             found.error->meaning, found.error->hint));
  if (found.causes.empty()) return;
  if (found.result != nullptr || found.error != nullptr) output.write("\n");
  if (found.causes.size() == 1) {
    print_in_full(*found.causes.front(), output);
    return;
  }
  output.write("It can be one of these; `turnstile explain CAUSE` says how to cure it.\n\n");
  for (const Cause* const cause : found.causes)
    output.write(paragraph(fmt::format("{}: {}", cause->id, cause->title), cause->signs));
}

}  // namespace

ExitCode run_explain(Context& context) {
  const Arguments& arguments = context.arguments;
  const std::vector<std::string> words = arguments.positionals("WORDS");
  if (arguments.has("--markdown")) {
    context.output.write(causes_page());
    return ExitCode::Done;
  }
  if (words.empty()) {
    throw usage_failure("explain needs a code, a message or the name of a cause",
                        "Such as `turnstile explain database is locked`.");
  }
  const std::string text = fmt::format("{}", fmt::join(words, " "));
  const std::optional<Explanation> found = explain(text);
  if (!found) {
    throw Failure(
        ExitCode::NotFound, "WORDS_NOT_UNDERSTOOD",
        fmt::format("there is no code and no message of SQLite's in '{}'", shortened(text, 200)),
        "Give a code such as SQLITE_BUSY or 517, or the message as it was logged.");
  }
  if (arguments.json())
    context.output.write_json(to_json(*found));
  else
    print(*found, context.output);
  return ExitCode::Done;
}

}  // namespace turnstile::cli
