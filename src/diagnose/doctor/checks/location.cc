#include <filesystem>

#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

Findings check_location(const Patient& patient) {
  if (!patient.folder.exists) {
    Finding missing;
    missing.status = CheckStatus::Fail;
    missing.title = "the directory " + quoted(patient.directory()) + " does not exist";
    missing.cure = "Make it, or name another place.";
    missing.fix = "make the directory " + quoted(patient.directory()) + " with mode 0700";
    return {missing};
  }
  std::error_code error;
  if (!std::filesystem::is_directory(patient.directory(), error)) {
    Finding no_folder;
    no_folder.status = CheckStatus::Fail;
    no_folder.title = quoted(patient.directory()) + " is not a directory";
    no_folder.cure = "Name another place.";
    return {no_folder};
  }
  switch (patient.content.kind) {
    case FileKind::Missing: {
      Finding missing;
      missing.status = CheckStatus::Warn;
      missing.title = "there is no file " + quoted(patient.path);
      missing.cure = "Check the path; a program that opens it for writing makes it.";
      return {missing};
    }
    case FileKind::NotRegular: {
      Finding strange;
      strange.status = CheckStatus::Fail;
      strange.title = quoted(patient.path) + " is not a regular file";
      strange.cure = "Name a file.";
      return {strange};
    }
    default:
      return {pass("the file is there", {std::to_string(patient.state(Part::Database).size) +
                                         " bytes at " + patient.path.string()})};
  }
}

}  // namespace turnstile::diagnose
