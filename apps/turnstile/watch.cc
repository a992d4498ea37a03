#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "command.h"
#include "context.h"
#include "failure.h"
#include "json.h"
#include "session.h"
#include "text.h"
#include "turnstile/observation.h"

namespace turnstile::cli {

namespace {

// Hands what the observer is told to the command's own thread, one at a time: while nobody takes it
// the observer waits, and what is committed meanwhile comes in one line. Threads: shared.
class Mailbox {
 public:
  void put(const Change& change) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !change_ || closed_; });
    change_ = change;
    changed_.notify_all();
  }
  // Nothing once it is closed.
  std::optional<Change> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return change_ || closed_; });
    if (closed_) return std::nullopt;
    changed_.notify_all();
    return std::exchange(change_, std::nullopt);
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Change> change_;
  bool closed_ = false;
};

// Closed before the observation ends, which would wait for an observer that waits.
class ClosedAtEnd {
 public:
  explicit ClosedAtEnd(Mailbox& mailbox) : mailbox_(mailbox) {}
  ~ClosedAtEnd() { mailbox_.close(); }
  ClosedAtEnd(const ClosedAtEnd&) = delete;
  ClosedAtEnd& operator=(const ClosedAtEnd&) = delete;

 private:
  Mailbox& mailbox_;
};

// A misspelt name would be waited for in vain.
void require_tables(const Lane& lane, const std::vector<std::string>& wanted) {
  const auto known = lane.read([](ReadTx& tx) {
    return tx.query<std::string>("SELECT lower(name) FROM sqlite_schema WHERE type = 'table'")
        .all();
  });
  const std::vector<std::string_view> names(known.begin(), known.end());
  for (const std::string& name : wanted) {
    const auto lower =
        lane.read([&](ReadTx& tx) { return tx.query<std::string>("SELECT lower(?)", name).one(); });
    if (std::find(names.begin(), names.end(), lower) != names.end()) continue;
    const std::string_view best = nearest(lower, names);
    throw Failure(ExitCode::NotFound, "TABLE_NOT_FOUND",
                  fmt::format("there is no table '{}'", printable(name)),
                  best.empty() ? "Without a table, every commit is told."
                               : fmt::format("Did you mean {}?", printable(best)));
  }
}

void print(const Change& change, bool json, Output& output) {
  const std::string now = iso_time(std::chrono::system_clock::now());
  if (json) {
    output.write(dump({{"time", now},
                       {"commits", change.commits},
                       {"tables", change.all_tables ? Json() : Json(change.tables)}}) +
                 "\n");
  } else {
    const std::string tables = change.all_tables
                                   ? "tables not known"
                                   : printable(fmt::format("{}", fmt::join(change.tables, " ")));
    output.write(fmt::format("{}  {} commit{}  {}\n", now, change.commits,
                             change.commits == 1 ? "" : "s", tables));
  }
  output.flush();
}

}  // namespace

ExitCode run_watch(Context& context) {
  const Arguments& arguments = context.arguments;
  const std::vector<std::string> tables = arguments.positionals("TABLE");
  const Session session = Session::for_reading(context, 1);
  require_tables(session.lane(), tables);
  Mailbox mailbox;
  const Interrupts::StopAction stop(context.interrupts, [&mailbox] { mailbox.close(); });
  const Observation observation =
      session.lane().observe(tables, [&mailbox](const Change& change) { mailbox.put(change); });
  const ClosedAtEnd closed_at_end(mailbox);
  fmt::print(stderr, "turnstile: watching; Ctrl-C ends it\n");
  while (const auto change = mailbox.take())
    print(*change, arguments.json(), context.output);
  return ExitCode::Interrupted;
}

}  // namespace turnstile::cli
