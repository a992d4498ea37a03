#include "torture/bystanders.h"

#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <system_error>
#include <utility>

#include "exit_codes.h"
#include "torture/child.h"
#include "torture/load.h"

namespace turnstile::cli::torture {

Bystanders::Bystanders(std::filesystem::path directory, const Settings& settings, Ledger& ledger,
                       Report& report)
    : directory_(std::move(directory)),
      database_((directory_ / "torture.db").string()),
      timeout_(fmt::format("{}ms", settings.timeout.count())),
      ledger_(ledger),
      report_(report),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

Bystanders::~Bystanders() = default;

void Bystanders::work(const std::stop_token& stop) {
  constexpr std::chrono::milliseconds kPause{100};
  while (!stop.stop_requested()) {
    try {
      back_up();
      if (has_shell_) write_as_stranger();
      check_point();
    } catch (const std::exception& error) {
      report_.find("BYSTANDER_FAILED", error.what());
    }
    std::unique_lock lock(mutex_);
    resting_.wait_for(lock, stop, kPause, [] { return false; });
  }
}

// Whatever moment it holds, all rules hold there.
void Bystanders::back_up() {
  const std::string copy = (directory_ / "backup.db").string();
  const Finished made = run_to_end(Child::of_this_program(
      {"backup", database_, copy, "--overwrite", "--quick", "--timeout", timeout_}));
  if (made.status != 0) return report_.find("BACKUP_FAILED", made.output);
  Options options;
  options.mode = OpenMode::ReadOnly;
  const Database backup = Database::open(copy, options);
  for (const std::string& broken : backup.lane("check").read(broken_rules))
    report_.find("BACKUP_BROKEN", broken);
  report_.with_numbers([](Numbers& n) { ++n.backups; });
}

// One that readers keep from being complete is none the worse.
void Bystanders::check_point() {
  const Finished done = run_to_end(
      Child::of_this_program({"checkpoint", database_, "--passive", "--timeout", timeout_}));
  if (done.status != static_cast<int>(ExitCode::Done) &&
      done.status != static_cast<int>(ExitCode::No))
    return report_.find("CHECKPOINT_FAILED", done.output);
  report_.with_numbers([](Numbers& n) { ++n.checkpoints; });
}

// A shell waits by trying, in no order, and may try in vain: that is its own affair. It must not
// make a checkpoint: those of SQLite before 3.51.3 may lose what others write meanwhile.
void Bystanders::write_as_stranger() {
  const std::int64_t row = ++foreign_rows_;
  bool is_acknowledged = false;
  try {
    const Finished done =
        run_to_end(Child({"sqlite3", "-batch", "-cmd", ".timeout 5000", database_,
                          fmt::format("PRAGMA wal_autocheckpoint=0; BEGIN IMMEDIATE; INSERT INTO"
                                      " foreign_row VALUES ({}, {}); COMMIT;",
                                      row, ::getpid())}));
    is_acknowledged = done.status == 0;
  } catch (const std::system_error& error) {
    has_shell_ = false;
    return report_.skip("writes by a foreign sqlite3 shell, because there is none");
  }
  try {
    ledger_.append_foreign(is_acknowledged ? Answer::Done : Answer::Unknown, row);
  } catch (const std::system_error& error) {
    report_.find("LEDGER_FAILED", error.what());
  }
  if (is_acknowledged) report_.with_numbers([](Numbers& n) { ++n.foreign_writes; });
}

}  // namespace turnstile::cli::torture
