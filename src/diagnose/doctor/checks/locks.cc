#include <algorithm>

#include "diagnose/doctor/checks.h"
#include "gate/proc_file.h"

namespace turnstile::diagnose {

namespace {

constexpr std::chrono::seconds kLongHold{10};

/// With a write-ahead log every connection has the shared lock, which is in nobody's way then.
bool is_in_the_way(const LockInfo& lock, bool has_log) noexcept {
  return keeps_writers_out(lock) || is_read_mark(lock) || (!has_log && lock.lock == "shared lock");
}

Finding stopped_holder(const LockInfo& lock) {
  Finding finding;
  finding.status = is_read_mark(lock) ? CheckStatus::Warn : CheckStatus::Fail;
  finding.title = holder_of(lock) + " is stopped and holds the " + lock.lock;
  finding.evidence = {in_words(lock)};
  finding.cause = "stopped-process";
  finding.cure = "Let it go on (`kill -CONT " + std::to_string(lock.pid) +
                 "`) or end it (`kill -KILL " + std::to_string(lock.pid) +
                 "`), which undoes what it has not committed.";
  return finding;
}

Finding exclusive_mode(const LockInfo& lock) {
  Finding finding;
  finding.status = CheckStatus::Fail;
  finding.title = holder_of(lock) + " keeps the whole file for itself";
  finding.evidence = {in_words(lock)};
  finding.cause = "exclusive-locking-mode";
  finding.cure =
      "Let it close that connection, or end it; nobody else can even read meanwhile. Without "
      "a -shm file `PRAGMA locking_mode=NORMAL` does nothing, with a rollback journal it helps.";
  return finding;
}

Finding long_hold(const LockInfo& lock) {
  Finding finding;
  finding.status = CheckStatus::Warn;
  finding.title = holder_of(lock) + " has kept writers out for " +
                  std::to_string(lock.since->count() / 1000) + " s";
  finding.evidence = {in_words(lock)};
  finding.cause = "foreign-writer";
  finding.cure =
      "See what that transaction waits for; nothing slow, such as the network or a person, belongs "
      "into one.";
  return finding;
}

}  // namespace

Findings check_locks(const Patient& patient) {
  const bool has_log = patient.content.header && patient.content.header->has_log();
  Findings findings;
  std::vector<std::string> writers;
  for (const LockInfo& lock : patient.locks) {
    if (!is_in_the_way(lock, has_log)) continue;
    if (gate::is_stopped(lock.pid))
      findings.push_back(stopped_holder(lock));
    else if (has_log && lock.lock == "exclusive lock")
      findings.push_back(exclusive_mode(lock));
    else if (keeps_writers_out(lock) && lock.since && *lock.since > kLongHold)
      findings.push_back(long_hold(lock));
    else if (keeps_writers_out(lock))
      writers.push_back(in_words(lock));
  }
  if (findings.empty()) {
    findings.push_back(writers.empty() ? pass("nobody keeps writers out")
                                       : pass("somebody writes", std::move(writers)));
  }
  return findings;
}

}  // namespace turnstile::diagnose
