#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

namespace {

bool may(const std::filesystem::path& path, int access) noexcept {
  return ::faccessat(AT_FDCWD, path.c_str(), access, AT_EACCESS) == 0;
}

std::string rights_of(const std::filesystem::path& path, const FileState& state) {
  constexpr std::string_view kDigits = "01234567";
  std::string mode = "0";
  for (const unsigned shift : {6U, 3U, 0U})
    mode += kDigits[(state.mode >> shift) & 7U];
  return path.filename().string() + " has mode " + mode + " and belongs to user id " +
         std::to_string(state.owner) + "; this is user id " + std::to_string(::geteuid());
}

Finding directory_forbids(const Patient& patient) {
  Finding finding;
  finding.status = CheckStatus::Fail;
  finding.title = "no file can be made in the directory";
  finding.evidence = {rights_of(patient.directory(), patient.folder)};
  finding.cause = "read-only-directory";
  finding.cure =
      "Give this user the right to write in " + quoted(patient.directory()) +
      ": SQLite keeps its log or journal beside the file, and without it cannot even undo what a "
      "crash left.";
  const bool has_log = patient.content.header && patient.content.header->has_log();
  if (has_log && patient.has_content(Part::Log) && !patient.state(Part::LogIndex).exists) {
    finding.title += ", and the log has no -shm file";
    finding.cause = "missing-shm";
  }
  return finding;
}

Finding file_forbids(const Patient& patient, Part part, std::string what) {
  Finding finding;
  finding.status = part == Part::Database ? CheckStatus::Warn : CheckStatus::Fail;
  finding.title =
      "this user may not " + std::move(what) + ' ' + quoted(patient.part(part).filename());
  finding.evidence = {rights_of(patient.part(part), patient.state(part))};
  finding.cure =
      "Give the file to the user that the program runs as. One that belongs to somebody else often "
      "comes from a command that was run as root.";
  return finding;
}

bool everybody_may_write(const FileState& state) noexcept {
  constexpr std::uint32_t kOthersWrite = 02;
  return state.exists && (state.mode & kOthersWrite) != 0;
}

}  // namespace

Findings check_permissions(const Patient& patient) {
  if (!patient.state(Part::Database).exists) return {skip("there is no file")};
  Findings findings;
  if (!may(patient.directory(), W_OK | X_OK)) findings.push_back(directory_forbids(patient));
  for (const Part part : {Part::Database, Part::Log, Part::LogIndex, Part::Journal}) {
    if (!patient.state(part).exists) continue;
    if (!may(patient.part(part), R_OK))
      findings.push_back(file_forbids(patient, part, "read"));
    else if (!may(patient.part(part), W_OK))
      findings.push_back(file_forbids(patient, part, "write"));
    if (!everybody_may_write(patient.state(part))) continue;
    Finding open;
    open.status = CheckStatus::Warn;
    open.title = "every user may write to " + quoted(patient.part(part).filename());
    open.evidence = {rights_of(patient.part(part), patient.state(part))};
    open.cure = "Take that right away: `chmod o-w`.";
    findings.push_back(std::move(open));
  }
  if (findings.empty()) findings.push_back(pass("this user may read and write"));
  return findings;
}

}  // namespace turnstile::diagnose
