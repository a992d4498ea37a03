#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

namespace {

Finding no_place(std::string title, std::string cure) {
  Finding finding;
  finding.status = CheckStatus::Fail;
  finding.title = std::move(title);
  finding.cure = std::move(cure);
  return finding;
}

/// Of a name that leads neither to a file nor to none.
Finding unknown(const std::filesystem::path& path, int error) {
  std::string title = "what is at " + quoted(path) + " cannot be told: " + std::strerror(error);
  switch (error) {
    case EACCES:
      return no_place(std::move(title),
                      "Give this user the right to enter (`x`) each directory on the way to it.");
    case ELOOP:
      return no_place(std::move(title),
                      "A symbolic link on the way leads back to itself: mend it or take it away.");
    case ENAMETOOLONG:
      return no_place(std::move(title), "Name another place.");
    default:
      return no_place(std::move(title), "See what the kernel's log says of the disk.");
  }
}

/// Whether directories are all that is on the way as far as there is something.
bool can_be_made(std::filesystem::path directory) {
  while (directory.has_relative_path() && !look_at(directory).exists)
    directory = directory.parent_path();
  std::error_code error;
  return std::filesystem::is_directory(directory, error);
}

Finding missing_directory(const std::filesystem::path& directory) {
  Finding missing = no_place("the directory " + quoted(directory) + " does not exist",
                             "Make it, or name another place.");
  missing.cause = "missing-directory";
  if (can_be_made(directory))
    missing.fix = "make the directory " + quoted(directory) + " with mode 0700";
  return missing;
}

}  // namespace

Findings check_location(const Patient& patient) {
  if (patient.folder.error != 0) return {unknown(patient.directory(), patient.folder.error)};
  if (!patient.folder.exists) return {missing_directory(patient.directory())};
  std::error_code error;
  if (!std::filesystem::is_directory(patient.directory(), error))
    return {no_place(quoted(patient.directory()) + " is not a directory", "Name another place.")};
  if (const int unseen = patient.state(Part::Database).error; unseen != 0)
    return {unknown(patient.path, unseen)};
  switch (patient.content.kind) {
    case FileKind::Missing: {
      Finding missing;
      missing.status = CheckStatus::Warn;
      missing.title = "there is no file " + quoted(patient.path);
      missing.cure = "Check the path; a program that opens it for writing makes it.";
      return {missing};
    }
    case FileKind::NotRegular:
      return {no_place(quoted(patient.path) + " is not a regular file", "Name a file.")};
    default:
      return {pass("the file is there", {std::to_string(patient.state(Part::Database).size) +
                                         " bytes at " + patient.path.string()})};
  }
}

}  // namespace turnstile::diagnose
