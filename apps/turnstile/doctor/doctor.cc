#include <fmt/core.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <stop_token>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "command.h"
#include "context.h"
#include "doctor/findings.h"
#include "doctor/workspace.h"
#include "failure.h"
#include "number.h"
#include "text.h"
#include "turnstile/options.h"

namespace turnstile::cli {

namespace {

ExpectedEmbedding parse_embedding(const std::string& text) {
  const std::size_t equals = text.rfind('=');
  const std::string number = equals == std::string::npos ? "" : text.substr(equals + 1);
  const auto dimension = parse_number<decltype(ExpectedEmbedding::dimension)>(number);
  if (equals == 0 || !dimension) {
    throw usage_failure(fmt::format("--embedding needs NAME=DIM, not '{}'", printable(text)),
                        "Give the name of a collection and a number: --embedding notes=768.");
  }
  return {.collection = text.substr(0, equals), .dimension = *dimension};
}

bool agrees(const Context& context, const std::string& fix) {
  if (context.arguments.has("--yes")) return true;
  if (::isatty(STDIN_FILENO) != 1) {
    throw usage_failure(fmt::format("there is a question, and nobody to answer it: {}?", fix),
                        "Add --yes if that is what you want.");
  }
  fmt::print(stderr, "{}? [y/N] ", printable(fix));
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

std::vector<Repair> repair_all(const Context& context, const DoctorReport& report) {
  std::vector<Repair> repairs;
  for (const Finding& finding : report.findings) {
    if (finding.fix.empty() || !agrees(context, finding.fix)) continue;
    repairs.push_back({finding.id, repair(report.path, finding)});
  }
  return repairs;
}

}  // namespace

ExitCode run_doctor(Context& context) {
  const Arguments& arguments = context.arguments;
  const std::string db = arguments.positional("DB");
  const std::string path = db.starts_with("file:") ? Options::from_uri(db).path : db;
  std::stop_source stop;
  DoctorOptions options;
  options.full = arguments.has("--full");
  options.expect_encryption = arguments.has("--encrypted");
  for (const std::string& text : arguments.values("--embedding"))
    options.embeddings.push_back(parse_embedding(text));
  options.stop = stop.get_token();
  const bool of_workspace = is_workspace(path);
  const auto look = [&] {
    const Interrupts::StopAction on_signal(context.interrupts, [&] { stop.request_stop(); });
    return of_workspace ? examine_workspace(path) : examine(path, options);
  };

  DoctorReport report = look();
  std::vector<Repair> repairs;
  if (arguments.has("--fix")) repairs = repair_all(context, report);
  if (!repairs.empty()) report = look();
  if (arguments.json())
    context.output.write_json(to_json(report, repairs));
  else
    print(report, repairs, context.output);
  return exit_code_of(report);
}

}  // namespace turnstile::cli
