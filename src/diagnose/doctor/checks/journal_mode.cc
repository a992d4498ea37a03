#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

Findings check_journal_mode(const Patient& patient) {
  if (!patient.content.header) return {skip("there is no header to read")};
  if (patient.content.header->has_log()) return {pass("write-ahead log")};
  if (patient.file_system && patient.file_system->is_network)
    return {pass("rollback journal, as it has to be on a network file system")};
  Finding finding;
  finding.status = CheckStatus::Warn;
  finding.title = "rollback journal: readers and writers keep each other out";
  finding.cause = "rollback-journal-reader";
  finding.cure =
      "Switch once to the write-ahead log, while nobody uses the file: `turnstile init " +
      shell_word(patient.path) + "` does.";
  return {finding};
}

}  // namespace turnstile::diagnose
