#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

namespace {

Finding locked_file(std::string evidence) {
  Finding finding;
  finding.status = CheckStatus::Warn;
  finding.title = "encrypted";
  finding.evidence = {std::move(evidence)};
  finding.cure =
      "Without the key nothing can be said of what is inside. The program that has it can check; "
      "of a profile of a vault, `turnstile vault verify` does.";
  return finding;
}

}  // namespace

Findings check_encryption(const Patient& patient) {
  switch (patient.content.kind) {
    case FileKind::Sealed:
      return {locked_file("it is a sealed file of a vault")};
    case FileKind::Encrypted: {
      Finding finding = locked_file("its first page is as evenly mixed as what a cipher makes");
      finding.cure +=
          " If no program ever encrypted this file, it is damaged from its first byte on: restore "
          "a backup.";
      return {finding};
    }
    case FileKind::Database:
      break;
    default:
      return {skip("there is no database to be encrypted")};
  }
  if (!patient.options.expect_encryption) return {pass("plain")};
  Finding finding;
  finding.status = CheckStatus::Warn;
  finding.title = "enabled, not yet migrated";
  finding.evidence = {"the program means the file to be encrypted, and everybody can read it"};
  finding.cure = "Let the program convert it; a profile of a vault with `turnstile vault convert`.";
  return {finding};
}

}  // namespace turnstile::diagnose
