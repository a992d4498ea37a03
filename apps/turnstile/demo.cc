// `turnstile demo`: lists the demonstrations, runs one, and runs their parts.
#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <csignal>
#include <mutex>
#include <string>
#include <vector>

#include "command.h"
#include "context.h"
#include "demo/demo.h"
#include "demo/plain.h"
#include "demo/scratch.h"
#include "failure.h"
#include "json.h"
#include "text.h"
#include "turnstile/causes.h"

namespace turnstile::cli {

namespace {

using demo::Demo;

std::string_view title_of(const Demo& demo) {
  const Cause* const cause = find_cause(demo.name);
  return cause == nullptr ? demo.work : cause->title;
}

void list_as_json(Output& output) {
  Json array = Json::array();
  for (const Demo* const each : demo::all_demos())
    array.push_back({{"name", each->name}, {"title", title_of(*each)}, {"work", each->work}});
  for (const Cause& cause : causes())
    if (!cause.not_shown.empty())
      array.push_back({{"name", cause.id}, {"title", cause.title}, {"not_shown", cause.not_shown}});
  output.write_json(array);
}

void list(Output& output) {
  Table table(output, {"demonstration", "what goes wrong"});
  for (const Demo* const each : demo::all_demos())
    table.add({{std::string(each->name)}, {std::string(title_of(*each))}});
  table.finish();
  output.write("\nWithout one:\n");
  for (const Cause& cause : causes())
    if (!cause.not_shown.empty())
      output.write(fmt::format("  {}: {}\n", cause.id, cause.not_shown));
}

// In the process of a part. What it has to tell goes to its parent, as one line of JSON.
void run_part(const Demo& demo, const std::string& name) {
  demo::Part part(demo.name);
  const std::vector<std::pair<std::string_view, void (*)(demo::Part&)>> parts = {
      {"plain", demo.plain},
      {"turnstile", demo.turnstile},
      {"helper", demo.helper},
      {"shell", demo::run_shell},
      {"start", demo::run_start}};
  const auto found = std::ranges::find(parts, name, [](const auto& each) { return each.first; });
  if (found == parts.end() || found->second == nullptr) {
    throw usage_failure(fmt::format("the demonstration has no part '{}'", printable(name)),
                        "Leave --part out; it is for the command's own processes.");
  }
  Json result;
  try {
    found->second(part);
    result = part.tally().json();
  } catch (const demo::Impossible& impossible) {
    result = {{"impossible", impossible.what()}};
  }
  part.say(dump(result));
}

// Runs both parts; ends them when a signal comes.
class Stage {
 public:
  Stage(const Demo& demo, Interrupts& interrupts)
      : demo_(demo), interrupts_(interrupts), stop_(interrupts, [this] { end_part(); }) {}

  Json run(const std::string& part) {
    demo::Helper helper(
        demo_.name, part,
        {.directory = scratch_.make(part), .small_disk_bytes = demo_.small_disk_bytes});
    set_running(helper.pid());
    if (interrupts_.requested()) end_part();  // It came before there was anything to end.
    helper.read_to_end();
    set_running(0);  // Before its number can be another process's.
    return Json::parse(helper.finish());
  }

 private:
  void set_running(pid_t pid) {
    const std::lock_guard lock(mutex_);
    running_ = pid;
  }
  void end_part() {
    const std::lock_guard lock(mutex_);
    if (running_ > 0) ::kill(running_, SIGKILL);
  }

  const Demo& demo_;
  Interrupts& interrupts_;
  std::mutex mutex_;
  pid_t running_ = 0;  // Guarded by mutex_.
  // In front of the directory: a signal that finds no action would leave that behind.
  Interrupts::StopAction stop_;
  demo::Scratch scratch_;
};

bool is_possible(const Json& part) {
  return !part.contains("impossible");
}

bool has_failed(const Json& part) {
  return part.at("failed").get<std::int64_t>() > 0;
}

void print_part(const Json& part, std::string_view name, Output& output) {
  const Style& style = output.style();
  if (!is_possible(part)) {
    output.write(
        fmt::format("{}: not possible here: {}\n", name, part.at("impossible").get<std::string>()));
    return;
  }
  output.write(fmt::format("{}{}: {} of {} operations failed{}\n",
                           has_failed(part) ? style.red : style.bold, name,
                           part.at("failed").get<std::int64_t>(),
                           part.at("operations").get<std::int64_t>(), style.plain));
  for (const auto& [code, count] : part.at("results").items())
    output.write(fmt::format("  {} {}\n", count.get<std::int64_t>(), code));
  for (const Json& message : part.at("messages"))
    output.write(fmt::format("  message: {}\n", printable(message.get<std::string>())));
  for (const auto& [cause, count] : part.at("causes").items())
    output.write(fmt::format("  cause: {} ({} times)\n", cause, count.get<std::int64_t>()));
  if (part.at("evidence").is_string())
    output.write(
        fmt::format("  evidence: {}\n", printable(part.at("evidence").get<std::string>())));
  for (const Json& note : part.at("notes"))
    output.write(fmt::format("  note: {}\n", printable(note.get<std::string>())));
}

void print(const Demo& demo, const Json& plain, const Json& turnstile, Output& output) {
  output.write(fmt::format("{}\n\n", demo.work));
  print_part(plain, "plain SQLite", output);
  print_part(turnstile, "with Turnstile", output);
  if (find_cause(demo.name) != nullptr)
    output.write(
        fmt::format("\n`turnstile explain {}` says how to find and cure it.\n", demo.name));
}

ExitCode status_of(const Json& plain, const Json& turnstile) {
  if (is_possible(turnstile) && has_failed(turnstile)) return ExitCode::Findings;
  const bool shown = is_possible(plain) && is_possible(turnstile) && has_failed(plain);
  return shown ? ExitCode::Done : ExitCode::No;
}

}  // namespace

ExitCode run_demo(Context& context) {
  const Arguments& arguments = context.arguments;
  const std::string name = arguments.positional("CAUSE");
  if (name.empty()) {
    if (arguments.json())
      list_as_json(context.output);
    else
      list(context.output);
    return ExitCode::Done;
  }
  const Demo* const demo = demo::find_demo(name);
  if (demo == nullptr) {
    const Cause* const cause = find_cause(name);
    throw Failure(
        ExitCode::NotFound, "DEMO_NOT_FOUND",
        fmt::format("there is no demonstration '{}'", printable(name)),
        cause == nullptr ? "`turnstile demo` lists them." : std::string(cause->not_shown));
  }
  if (const auto part = arguments.value("--part")) {
    run_part(*demo, *part);
    return ExitCode::Done;
  }
  Json plain;
  Json turnstile;
  try {
    Stage stage(*demo, context.interrupts);
    plain = stage.run("plain");
    turnstile = stage.run("turnstile");
  } catch (const Failure&) {
    if (!context.interrupts.requested()) throw;
    report_interruption(nullptr, arguments.json());
    return ExitCode::Interrupted;
  }
  if (arguments.json())
    context.output.write_json(
        {{"demo", demo->name}, {"work", demo->work}, {"plain", plain}, {"turnstile", turnstile}});
  else
    print(*demo, plain, turnstile, context.output);
  return status_of(plain, turnstile);
}

}  // namespace turnstile::cli
