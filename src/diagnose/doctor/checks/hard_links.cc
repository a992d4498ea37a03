#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

Findings check_hard_links(const Patient& patient) {
  const FileState& state = patient.state(Part::Database);
  if (!state.exists) return {skip("there is no file")};
  if (state.links == 1) return {pass("the file has one name")};
  Finding finding;
  finding.status = CheckStatus::Warn;
  finding.title = "the file has " + std::to_string(state.links) + " names (hard links)";
  finding.evidence = {"inode " + std::to_string(state.inode) +
                      "; `find DIR -xdev -samefile FILE` shows the others"};
  finding.cause = "hard-link";
  finding.cure =
      "Use one name and delete the others, or make them symbolic links: SQLite names the log after "
      "the file, and programs with different names do not see each other's commits.";
  return {finding};
}

}  // namespace turnstile::diagnose
