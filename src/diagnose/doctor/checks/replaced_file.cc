#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

Findings check_replaced_file(const Patient& patient) {
  Finding finding;
  for (const Process& process : patient.processes.users)
    for (const std::string& file : process.deleted)
      finding.evidence.push_back(process.describe() + " has " + file + " open, which was deleted");
  if (finding.evidence.empty()) return {pass("nobody is seen to use a deleted file of this name")};
  finding.status = CheckStatus::Fail;
  finding.title = "the file or its log was deleted or replaced while it was open";
  finding.cause = "replaced-file";
  finding.cure =
      "What these processes have written since is lost when they end: let them save it elsewhere "
      "if "
      "they can, and restart them. To replace a database use `turnstile restore`.";
  return {finding};
}

}  // namespace turnstile::diagnose
