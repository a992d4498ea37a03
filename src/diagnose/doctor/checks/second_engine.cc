#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

Findings check_second_engine(const Patient& patient) {
  Findings findings;
  for (const Process& process : patient.processes.users) {
    if (process.engines.size() < 2) continue;
    Finding finding;
    finding.status = CheckStatus::Warn;
    finding.title =
        process.describe() + " has " + std::to_string(process.engines.size()) + " copies of SQLite";
    for (const LoadedEngine& engine : process.engines)
      finding.evidence.push_back(engine.describe());
    finding.cause = "two-engines";
    finding.cure =
        "Link everything in it against one. If two of them open this file, each drops the locks of "
        "the other without knowing, and data is lost.";
    findings.push_back(std::move(finding));
  }
  if (findings.empty())
    findings.push_back(pass("no process that uses the file has two copies of SQLite"));
  return findings;
}

}  // namespace turnstile::diagnose
