#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

Findings check_integrity(const Patient& patient) {
  const bool full = patient.options.full;
  const Content::Answer answer =
      patient.inside->ask(full ? "PRAGMA integrity_check(20)" : "PRAGMA quick_check(20)");
  if (!answer.problem.empty() && !answer.damaged) return {unanswered(answer)};
  Finding finding;
  finding.status = CheckStatus::Fail;
  finding.title = "the file is damaged";
  finding.cure =
      "Keep a copy of the file with its -wal and -journal, then restore a backup; without one, "
      "`turnstile recover` saves what can be read.";
  for (const Content::Row& row : answer.rows)
    finding.evidence.push_back(row.front());
  if (answer.damaged) finding.evidence.push_back(answer.problem);
  if (finding.evidence != std::vector<std::string>{"ok"}) return {finding};
  return {pass(full ? "pages, indexes and constraints are whole"
                    : "pages are whole; --full compares indexes with their tables too")};
}

}  // namespace turnstile::diagnose
