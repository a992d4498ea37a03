#include <map>

#include "diagnose/doctor/checks.h"
#include "sqlite/engine.h"

namespace turnstile::diagnose {

namespace {

Finding affected_engine(std::string title, std::vector<std::string> evidence) {
  Finding finding;
  finding.status = CheckStatus::Warn;
  finding.title = std::move(title);
  finding.evidence = std::move(evidence);
  finding.cause = "wal-reset-bug";
  finding.cure =
      "Update it to 3.51.3 or newer (3.50.7 and 3.44.6 carry the correction too), or let one "
      "connection alone make checkpoints and no other program write meanwhile.";
  return finding;
}

bool has_bug(int version) {
  return version != 0 && !sqlite::why_version_is_unsuitable(version).empty();
}

}  // namespace

Findings check_engine_version(const Patient& patient) {
  if (!patient.content.header) return {skip("there is no header to read")};
  const Header& header = *patient.content.header;
  if (!header.has_log())
    return {pass("without a write-ahead log the WAL-reset bug is of no matter")};
  std::map<std::string, std::vector<std::string>> affected;  // Engine to its processes.
  for (const Process& process : patient.processes.users)
    for (const LoadedEngine& engine : process.engines)
      if (has_bug(engine.version)) affected[engine.describe()].push_back(process.describe());
  Findings findings;
  for (auto& [engine, processes] : affected) {
    findings.push_back(affected_engine(
        engine + " has the WAL-reset bug, which loses committed transactions", processes));
  }
  const auto last = static_cast<int>(header.engine_version);
  if (findings.empty() && has_bug(last)) {
    findings.push_back(affected_engine(
        "the last program that wrote runs a SQLite with the WAL-reset bug, which loses committed "
        "transactions",
        {"SQLite " + version_text(last) + ", as the header says"}));
  }
  if (findings.empty()) findings.push_back(pass("no SQLite with the WAL-reset bug is seen"));
  return findings;
}

}  // namespace turnstile::diagnose
