#include <fmt/core.h>
#include <fmt/ranges.h>

#include <chrono>
#include <string>
#include <vector>

#include "command.h"
#include "context.h"
#include "json.h"
#include "text.h"
#include "turnstile/diagnose.h"
#include "turnstile/options.h"

namespace turnstile::cli {

namespace {

Json to_json(const std::vector<LockInfo>& locks) {
  Json array = Json::array();
  for (const LockInfo& lock : locks) {
    array.push_back({{"lock", lock.lock},
                     {"kind", lock.kind},
                     {"pid", lock.pid},
                     {"program", text_or_null(lock.program)},
                     {"thread", lock.thread == 0 ? Json() : Json(lock.thread)},
                     {"lane", text_or_null(lock.lane)},
                     {"since_ms", lock.since ? Json(lock.since->count()) : Json()},
                     {"sql", text_or_null(lock.sql)},
                     {"waiters", lock.waiters}});
  }
  return array;
}

void print(const std::vector<LockInfo>& locks, Output& output) {
  if (locks.empty()) {
    output.write("no locks\n");
    return;
  }
  Table table(output, {"lock", "kind", "pid", "program", "lane", "held ms", "waiting"});
  for (const LockInfo& lock : locks) {
    table.add({{printable(lock.lock)},
               {lock.kind},
               {fmt::format("{}", lock.pid), true},
               {printable(lock.program)},
               {printable(lock.lane)},
               {lock.since ? fmt::format("{}", lock.since->count()) : "", true},
               {fmt::format("{}", fmt::join(lock.waiters, " "))}});
  }
  table.finish();
}

void print_moment(const std::vector<LockInfo>& locks, Context& context, bool is_first) {
  Output& output = context.output;
  const std::string now = iso_time(std::chrono::system_clock::now());
  if (context.arguments.json()) {
    // One object a line, on a terminal too.
    output.write(dump({{"time", now}, {"locks", to_json(locks)}}) + "\n");
  } else {
    constexpr std::string_view kClearScreen = "\x1b[H\x1b[2J";
    output.write(output.is_terminal() ? kClearScreen : is_first ? "" : "\n");
    output.write(now + "\n");
    print(locks, output);
  }
  output.flush();
}

}  // namespace

ExitCode run_locks(Context& context) {
  const Arguments& arguments = context.arguments;
  const std::string db = arguments.positional("DB");
  const std::string path = db.starts_with("file:") ? Options::from_uri(db).path : db;
  if (!arguments.has("--watch")) {
    const std::vector<LockInfo> held = locks(path);
    if (arguments.json())
      context.output.write_json(to_json(held));
    else
      print(held, context.output);
    return ExitCode::Done;
  }
  const Interrupts::StopAction stop(context.interrupts, [] {});  // The wait below sees it.
  bool is_first = true;
  do {
    print_moment(locks(path), context, is_first);
    is_first = false;
  } while (!context.interrupts.wait_for(std::chrono::seconds(1)));
  return ExitCode::Interrupted;
}

}  // namespace turnstile::cli
