// What can be set right without a choice to make and without a risk.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
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
                       "there is nothing to repair about '" + finding.id +
                           "', or nothing that is known to do no harm",
                       {}, "Examine the database again, with --full.");
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

/// A directory beside the file with copies of all its parts, by their own names.
std::filesystem::path copy_aside(const Patient& patient) {
  std::string name = patient.path.string() + ".aside-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr)
    sqlite::raise_system(code("DB_IO"), "cannot make the directory '" + name + "'", errno);
  std::filesystem::path aside = name;
  for (const Part part : {Part::Database, Part::Log, Part::Journal}) {
    if (!patient.state(part).exists) continue;
    std::error_code error;
    std::filesystem::copy_file(patient.part(part), aside / patient.part(part).filename(), error);
    if (!error) continue;
    std::error_code ignored;
    std::filesystem::remove_all(aside, ignored);
    sqlite::raise_system(code("DB_IO"), "cannot copy " + quoted(patient.part(part)) + " aside",
                         error.value());
  }
  return aside;
}

void open_once(const std::filesystem::path& path) {
  Call call;
  call.lane = "doctor";
  call.deadline = Deadline::after(std::chrono::seconds(5));
  call.timeout_code = code("OPEN_TIMEOUT");
  sqlite::Connection::Config config;
  config.path = path.string();
  config.find_holder = [path](bool /*writes*/) { return gate::find_foreign_holder(path, true); };
  sqlite::Connection connection(std::move(config), call);
  static_cast<void>(connection.query_integer("SELECT count(*) FROM sqlite_schema"));
  static_cast<void>(connection.checkpoint(sqlite::CheckpointMode::Truncate));
}

/// As any program would: what SQLite does with a log or journal of its own is right. Whether it is
/// its own is not certain, and so nothing is lost if it is not.
std::string finish(const Patient& patient, const Finding& finding) {
  const std::filesystem::path aside = copy_aside(patient);
  if (patient.has_changed()) {
    std::error_code ignored;
    std::filesystem::remove_all(aside, ignored);
    raise_needless(finding);
  }
  open_once(patient.path);
  return "opened " + quoted(patient.path) +
         ", so that SQLite finished what was interrupted; as it was before, it is in " +
         quoted(aside);
}

}  // namespace

}  // namespace diagnose

std::string repair(std::string_view path, const Finding& finding) {
  DoctorOptions options;
  options.full = true;  // What is to be written to has to be whole.
  diagnose::Patient patient(diagnose::resolve(path), options, diagnose::stat_file_system);
  if (finding.id == diagnose::kSidecars) patient.look_inside();
  const auto is_still_due = [&](diagnose::Findings (*check)(const diagnose::Patient&)) {
    const diagnose::Findings found = check(patient);
    return !finding.fix.empty() &&
           std::ranges::find(found, finding.fix, &Finding::fix) != found.end();
  };
  if (finding.id == diagnose::kLocation && is_still_due(diagnose::check_location))
    return diagnose::make_directory(patient.directory());
  if (finding.id == diagnose::kSidecars && is_still_due(diagnose::check_sidecars))
    return diagnose::finish(patient, finding);
  diagnose::raise_needless(finding);
}

}  // namespace turnstile
