#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

Findings check_foreign_keys(const Patient& patient) {
  const Content::Answer answer = patient.inside->ask(
      "SELECT \"table\", parent, count(*) FROM pragma_foreign_key_check GROUP BY 1, 2 ORDER BY 1, 2"
      " LIMIT 20");
  if (!answer.problem.empty()) return {unanswered(answer)};
  if (answer.rows.empty()) return {pass("every foreign key leads to a row")};
  Finding finding;
  finding.status = CheckStatus::Warn;
  finding.title = "there are rows whose foreign keys lead nowhere";
  for (const Content::Row& row : answer.rows)
    finding.evidence.push_back(row[2] + " rows of " + row[0] + " refer to " + row[1]);
  finding.cure =
      "`PRAGMA foreign_key_check` lists them. They were written by a connection without `PRAGMA "
      "foreign_keys=ON`, which each connection has to set for itself.";
  return {finding};
}

}  // namespace turnstile::diagnose
