#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

Findings check_free_pages(const Patient& patient) {
  const Content::Answer answer = patient.inside->ask(
      "SELECT freelist_count, page_count, page_size, freelist_count * page_size >= 4194304 AND"
      " freelist_count * 4 >= page_count"
      " FROM pragma_freelist_count, pragma_page_count, pragma_page_size");
  if (!answer.problem.empty() || answer.rows.empty()) return {unanswered(answer)};
  const Content::Row& row = answer.rows.front();
  std::string text = row[0] + " of " + row[1] + " pages are free";
  if (row[3] != "1") return {pass(std::move(text))};
  Finding finding;
  finding.status = CheckStatus::Warn;
  finding.title = std::move(text);
  finding.evidence = {"pages of " + row[2] + " bytes"};
  finding.cure =
      "They are used again by what is written next. If the space is wanted elsewhere, or scans are "
      "slow: `turnstile vacuum`, which others wait for.";
  return {finding};
}

}  // namespace turnstile::diagnose
