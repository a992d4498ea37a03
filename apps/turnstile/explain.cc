#include <fmt/core.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "causes_page.h"
#include "command.h"
#include "context.h"
#include "demo/demo.h"
#include "failure.h"
#include "input.h"
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
  Json likelier = Json::array();
  for (const Cause* const cause : found.causes) {
    if (array.size() < found.likelier) likelier.push_back(Json(cause->id));
    array.push_back(to_json(*cause));
  }
  return {{"result", result}, {"error", error}, {"causes", array}, {"likelier", likelier}};
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

// So many causes are too many to look at each.
constexpr std::size_t kMany = 8;

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
  output.write("It can be one of these; `turnstile explain CAUSE` says how to cure it.\n");
  if (found.likelier > 0)
    output.write("Going by the words around it, these are the likelier ones.\n");
  else if (found.causes.size() > kMany)
    output.write("Which are likelier can be told from the statement that failed; give it too.\n");
  output.write("\n");
  for (std::size_t i = 0; i < found.causes.size(); ++i) {
    const Cause& cause = *found.causes[i];
    if (i > 0 && i == found.likelier) output.write("\nLess likely:\n\n");
    output.write(paragraph(fmt::format("{}: {}", cause.id, cause.title), cause.signs));
  }
}

// The line of standard input that names a failure, the first one, behind the few lines in front of
// it: a trace has the statement there. All of the input when it names none; empty when there is
// none.
std::string failure_in_input() {
  constexpr std::size_t kLinesBefore = 8;
  constexpr std::size_t kLongest = 10'000;  // Of a line; what counts stands in front.
  std::deque<std::string> before;
  std::string lone_word;
  bool found = false;
  for_each_input_line([&](const std::string& line, std::int64_t /*number*/) {
    if (found) return;
    before.push_back(line.substr(0, kLongest));
    if (before.size() > kLinesBefore + 1) before.pop_front();
    if (!explain(before.back())) return;
    // A word alone, such as `error`, is a code only if there is nothing better.
    const bool is_lone = split_names(before.back()).size() == 1;
    if (is_lone && lone_word.empty()) lone_word = before.back();
    found = !is_lone;
  });
  return !found && !lone_word.empty() ? lone_word : fmt::format("{}", fmt::join(before, "\n"));
}

// What is to be explained; empty when there is nothing.
std::string words_to_explain(const std::vector<std::string>& words) {
  const bool is_input =
      words.empty() ? ::isatty(STDIN_FILENO) != 1 : words.size() == 1 && words.front() == "-";
  return is_input ? failure_in_input() : fmt::format("{}", fmt::join(words, " "));
}

}  // namespace

ExitCode run_explain(Context& context) {
  const Arguments& arguments = context.arguments;
  if (arguments.has("--markdown")) {
    context.output.write(causes_page());
    return ExitCode::Done;
  }
  const std::string text = words_to_explain(arguments.positionals("WORDS"));
  if (text.empty()) {
    throw usage_failure("explain needs a code, a message or the name of a cause",
                        "Such as `turnstile explain database is locked`.");
  }
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
