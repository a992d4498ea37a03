// What can be set right without a choice to make and without a risk.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string>
#include <system_error>

#include "diagnose/doctor/checks.h"
#include "diagnose/doctor/examination.h"
#include "diagnose/doctor/patient.h"
#include "gate/file_locks.h"
#include "sqlite/connection.h"
#include "sqlite/raise.h"

namespace turnstile {

namespace diagnose {

namespace {

[[noreturn]] void raise_needless(const Finding& finding) {
  sqlite::raise_misuse(code("OPTION_INVALID"),
                       "there is nothing to repair about '" + finding.id + "'", {},
                       "Examine the database again.");
}

std::string make_directory(const std::filesystem::path& directory) {
  std::filesystem::path made;
  for (const std::filesystem::path& part : directory) {
    made /= part;
    std::error_code error;
    if (std::filesystem::is_directory(made, error)) continue;
    if (::mkdir(made.c_str(), S_IRWXU) != 0 && errno != EEXIST)
      sqlite::raise_system(code("DB_NO_DIRECTORY"), "cannot make the directory " + quoted(made),
                           errno);
  }
  return "made the directory " + quoted(directory) + " with mode 0700";
}

/// As any program would: what SQLite does with a log or journal when it opens the file is right.
std::string open_once(const std::filesystem::path& path) {
  Call call;
  call.lane = "doctor";
  call.deadline = Deadline::after(std::chrono::seconds(5));
  call.timeout_code = code("OPEN_TIMEOUT");
  sqlite::Connection::Config config;
  config.path = path.string();
  config.find_holder = [path] { return gate::find_foreign_holder(path, true); };
  {
    sqlite::Connection connection(std::move(config), call);
    static_cast<void>(connection.query_integer("SELECT count(*) FROM sqlite_schema"));
    static_cast<void>(connection.checkpoint(sqlite::CheckpointMode::Truncate));
  }
  return "opened " + quoted(path) + ", so that SQLite finished what was interrupted";
}

}  // namespace

}  // namespace diagnose

std::string repair(std::string_view path, const Finding& finding) {
  const DoctorOptions options;
  const diagnose::Patient patient(diagnose::resolve(path), options, diagnose::stat_file_system);
  const auto is_still_due = [&](diagnose::Findings (*check)(const diagnose::Patient&)) {
    const diagnose::Findings found = check(patient);
    return !finding.fix.empty() &&
           std::ranges::find(found, finding.fix, &Finding::fix) != found.end();
  };
  if (finding.id == diagnose::kLocation && is_still_due(diagnose::check_location))
    return diagnose::make_directory(patient.directory());
  if (finding.id == diagnose::kSidecars && is_still_due(diagnose::check_sidecars))
    return diagnose::open_once(patient.path);
  diagnose::raise_needless(finding);
}

}  // namespace turnstile
