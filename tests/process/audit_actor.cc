// A process that writes to the audit log of a file, or prunes it:
//
//   audit_actor PATH KEY record NAME COUNT    records events of the actor NAME with the subjects 1,
//   2,
//                                             ... COUNT (0: without an end), and says `ack N` each
//                                             time those up to N are committed, and `done`
//   audit_actor PATH KEY prune KEPT           prunes, and says `pruned N` after each transaction
//
// KEY is in hexadecimal, or `-`.
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "turnstile/audit.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

// One write(2), so that a kill leaves either a whole line or none.
void say(std::string line) {
  line += '\n';
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    std::exit(1);
}

void record(AuditLog& log, const std::string& name, std::int64_t count) {
  constexpr std::int64_t kFlushed = 20;
  log.start();
  for (std::int64_t n = 1; count == 0 || n <= count; ++n) {
    log.record({.action = "act", .actor = name, .subject = std::to_string(n)});
    if (n % kFlushed != 0 && n != count) continue;
    if (!log.flush(std::chrono::seconds(60))) std::exit(2);
    say("ack " + std::to_string(n));
  }
  say("done");
}

void prune(AuditLog& log, std::int64_t kept) {
  const auto progress = [](const Progress& step) { say("pruned " + std::to_string(step.done)); };
  log.prune({.max_events = kept}, {.progress = progress});
  say("done");
}

void run(const std::vector<std::string>& words) {
  Options options;
  options.busy_timeout = std::chrono::seconds(60);
  const Database db = Database::open(words.at(1), options);
  AuditOptions audit;
  if (words.at(2) != "-") audit.key = AuditKey::from_hex(words.at(2));
  AuditLog log(db.lane("audit"), audit);
  if (words.at(3) == "record")
    record(log, words.at(4), std::stoll(words.at(5)));
  else
    prune(log, std::stoll(words.at(4)));
}

}  // namespace
}  // namespace turnstile::test

int main(int argc, char** argv) {
  try {
    turnstile::test::run({argv, argv + argc});
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
