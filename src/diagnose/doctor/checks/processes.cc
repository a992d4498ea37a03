// Who uses the file: what most other checks rest on.
#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

Findings check_processes(const Patient& patient) {
  Findings findings;
  if (patient.processes.hidden > 0) {
    findings.push_back(skip("this user may not look into " +
                            counted(patient.processes.hidden, "process") +
                            "; what they have open is only known from their locks"));
  }
  if (patient.processes.users.empty()) {
    findings.push_back(pass("nobody is seen to use the file"));
    return findings;
  }
  Finding used = pass("the file is used by " + counted(patient.processes.users.size(), "process"));
  for (const Process& process : patient.processes.users) {
    std::string line = process.describe();
    for (const LoadedEngine& engine : process.engines)
      line += ", " + engine.describe();
    used.evidence.push_back(std::move(line));
  }
  findings.push_back(std::move(used));
  return findings;
}

}  // namespace turnstile::diagnose
