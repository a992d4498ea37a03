#include <fmt/core.h>
#include <fmt/ranges.h>

#include <chrono>
#include <string>
#include <vector>

#include "command.h"
#include "context.h"
#include "json.h"
#include "live/live_json.h"
#include "text.h"
#include "turnstile/diagnose.h"
#include "turnstile/options.h"

namespace turnstile::cli {

namespace {

// `3 (4711 4712)`: so many calls of these processes.
std::string waiting(const LockInfo& lock) {
  if (lock.waiting == 0) return {};
  return fmt::format("{} ({})", lock.waiting, fmt::join(lock.waiters, " "));
}

std::string held(const LockInfo& lock) {
  if (!lock.since) return {};
  return (lock.since_is_least ? "over " : "") + human_duration(*lock.since);
}

void print(const std::vector<LockInfo>& locks, Output& output) {
  if (locks.empty()) {
    output.write("no locks\n");
    return;
  }
  constexpr std::size_t kLaneColumns = 12;
  constexpr std::size_t kSqlColumns = 40;
  Table table(output, {"lock", "kind", "pid", "program", "lane", "held", "waiting", "sql"});
  for (const LockInfo& lock : locks) {
    table.add({{lock.name},
               {lock.kind},
               {lock.pid == 0 ? "?" : fmt::format("{}", lock.pid), true},
               {printable(lock.program)},
               {shortened(lock.lane, kLaneColumns)},
               {held(lock), true},
               {waiting(lock)},
               {shortened(lock.sql, kSqlColumns)}});
  }
  table.finish();
}

void print_moment(const std::vector<LockInfo>& locks, Context& context, bool is_first) {
  Output& output = context.output;
  const std::string now = iso_time(std::chrono::system_clock::now());
  if (context.arguments.json()) {
    // One object a line, on a terminal too.
    output.write(dump({{"time", now}, {"locks", locks_to_json(locks)}}) + "\n");
  } else {
    constexpr std::string_view kClearScreen = "\x1b[H\x1b[2J";
    output.write(output.is_screen() ? kClearScreen : is_first ? "" : "\n");
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
      context.output.write_json(locks_to_json(held));
    else
      print(held, context.output);
    return ExitCode::Done;
  }
  const Interrupts::StopAction stop(context.interrupts, [] {});  // The wait below sees it.
  LockWatch locks(path);
  bool is_first = true;
  do {
    print_moment(locks.look(), context, is_first);
    is_first = false;
  } while (!context.interrupts.wait_for(std::chrono::seconds(1)));
  return ExitCode::Interrupted;
}

}  // namespace turnstile::cli
