#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

namespace {

// One table at a time: a key that cannot be followed ends the check of all behind it.
constexpr const char* kChildren =
    "SELECT DISTINCT m.name FROM sqlite_schema AS m, pragma_foreign_key_list(m.name) WHERE m.type "
    "= 'table' ORDER BY 1";
constexpr std::string_view kMismatch = "foreign key mismatch";

/// What was found about all tables.
struct KeySurvey {
  std::vector<std::string> lost{};
  std::vector<std::string> mismatched{};
  Findings unanswered{};
};

void check_child(const Content& inside, const std::string& child, KeySurvey& survey) {
  const Content::Answer answer =
      inside.ask("SELECT parent, count(*) FROM pragma_foreign_key_check(" + sql_text(child) +
                 ") GROUP BY 1 ORDER BY 1");
  if (answer.problem.starts_with(kMismatch)) {
    survey.mismatched.push_back(answer.problem);
  } else if (!answer.problem.empty()) {
    Finding finding = unanswered(answer);
    finding.title = child + ": " + finding.title;
    survey.unanswered.push_back(std::move(finding));
  }
  for (const Content::Row& row : answer.rows)
    survey.lost.push_back(row[1] + " rows of " + child + " refer to " + row[0]);
}

Finding lost_rows(std::vector<std::string> evidence) {
  Finding finding;
  finding.status = CheckStatus::Warn;
  finding.title = "there are rows whose foreign keys lead nowhere";
  finding.evidence = std::move(evidence);
  finding.cause = "ignored-setting";
  finding.cure =
      "`PRAGMA foreign_key_check` lists them. They were written by a connection without `PRAGMA "
      "foreign_keys=ON`, which each connection has to set for itself.";
  return finding;
}

Finding mismatched_keys(std::vector<std::string> evidence) {
  Finding finding;
  finding.status = CheckStatus::Warn;
  finding.title = "there are foreign keys to columns that are not unique, or not there";
  finding.evidence = std::move(evidence);
  finding.cure =
      "Make a unique index on exactly the columns that are referred to. Without one, whoever "
      "changes one of the two tables with `PRAGMA foreign_keys=ON` fails, and the keys of the "
      "table that refers are not checked here.";
  return finding;
}

}  // namespace

Findings check_foreign_keys(const Patient& patient) {
  const Content::Answer children = patient.inside->ask(kChildren);
  if (!children.problem.empty()) return {unanswered(children)};
  KeySurvey survey;
  for (const Content::Row& row : children.rows)
    check_child(*patient.inside, row.front(), survey);
  Findings findings = std::move(survey.unanswered);
  if (!survey.lost.empty()) findings.push_back(lost_rows(std::move(survey.lost)));
  if (!survey.mismatched.empty()) findings.push_back(mismatched_keys(std::move(survey.mismatched)));
  if (findings.empty()) findings.push_back(pass("every foreign key leads to a row"));
  return findings;
}

}  // namespace turnstile::diagnose
