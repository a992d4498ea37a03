// Programs that do not agree on the journal: each would undo or overlook what the other does.
#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

Findings check_mixed_journals(const Patient& patient) {
  if (!patient.content.header) return {skip("there is no header to read")};
  const Header& header = *patient.content.header;
  Finding finding;
  if (header.read_version != header.write_version) {
    finding.evidence.push_back("the header asks readers for version " +
                               std::to_string(header.read_version) + " and writers for " +
                               std::to_string(header.write_version));
  }
  for (const Process& process : patient.processes.users) {
    if (header.has_log() && process.uses(Part::Journal))
      finding.evidence.push_back(process.describe() + " has a rollback journal open");
    if (!header.has_log() && process.uses(Part::Log))
      finding.evidence.push_back(process.describe() + " has a write-ahead log open");
  }
  if (header.has_log() && patient.has_content(Part::Journal) &&
      has_hot_header(patient.part(Part::Journal))) {
    finding.evidence.push_back("the header says write-ahead log, and a rollback journal with " +
                               counted(patient.state(Part::Journal).size, "byte") + " lies there");
  }
  if (finding.evidence.empty()) return {pass("header, files and programs agree on the journal")};
  finding.status = CheckStatus::Warn;
  finding.title =
      "the journal mode is changed while the file is in use, or was when a program died";
  finding.cause = "wal-switch-beside-writer";
  finding.cure =
      "Let one program set the journal mode, once, before anybody else opens the file, and no "
      "connection after that.";
  return {finding};
}

}  // namespace turnstile::diagnose
