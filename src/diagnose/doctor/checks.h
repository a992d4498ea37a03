// The list of all checks of a database.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "diagnose/doctor/patient.h"
#include "turnstile/doctor.h"

namespace turnstile::diagnose {

using Findings = std::vector<Finding>;

/// Threads: immutable.
struct Check {
  std::string_view id;
  bool looks_inside;  ///< Is given Patient::inside, or not run.
  /// The findings need no id. Never empty: what is in order is said.
  Findings (*run)(const Patient&);
};

/// In the order in which they are told: what stands in the way of the others first.
[[nodiscard]] std::span<const Check> all_checks() noexcept;

// One file each, in checks/.
[[nodiscard]] Findings check_cloud_sync(const Patient& patient);
[[nodiscard]] Findings check_embeddings(const Patient& patient);
[[nodiscard]] Findings check_encryption(const Patient& patient);
[[nodiscard]] Findings check_engine_version(const Patient& patient);
[[nodiscard]] Findings check_file_system(const Patient& patient);
[[nodiscard]] Findings check_foreign_key_indexes(const Patient& patient);
[[nodiscard]] Findings check_foreign_keys(const Patient& patient);
[[nodiscard]] Findings check_free_pages(const Patient& patient);
[[nodiscard]] Findings check_free_space(const Patient& patient);
[[nodiscard]] Findings check_hard_links(const Patient& patient);
[[nodiscard]] Findings check_header(const Patient& patient);
[[nodiscard]] Findings check_integrity(const Patient& patient);
[[nodiscard]] Findings check_journal_mode(const Patient& patient);
[[nodiscard]] Findings check_location(const Patient& patient);
[[nodiscard]] Findings check_locks(const Patient& patient);
[[nodiscard]] Findings check_log_size(const Patient& patient);
[[nodiscard]] Findings check_mixed_journals(const Patient& patient);
[[nodiscard]] Findings check_permissions(const Patient& patient);
[[nodiscard]] Findings check_processes(const Patient& patient);
[[nodiscard]] Findings check_replaced_file(const Patient& patient);
[[nodiscard]] Findings check_second_engine(const Patient& patient);
[[nodiscard]] Findings check_sidecars(const Patient& patient);

// How a finding is made.

[[nodiscard]] inline Finding pass(std::string title, std::vector<std::string> evidence = {}) {
  Finding finding;
  finding.title = std::move(title);
  finding.evidence = std::move(evidence);
  return finding;
}
[[nodiscard]] inline Finding skip(std::string title) {
  Finding finding = pass(std::move(title));
  finding.status = CheckStatus::Skip;
  return finding;
}
/// The answer to a question about the inside that did not come.
[[nodiscard]] Finding unanswered(const Content::Answer& answer);

/// What repair() can do; the text of Finding::fix says it, and these are the ids it goes by.
inline constexpr std::string_view kLocation = "location";
inline constexpr std::string_view kSidecars = "sidecars";

}  // namespace turnstile::diagnose
