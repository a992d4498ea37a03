#include "diagnose/doctor/checks.h"

#include <array>

namespace turnstile::diagnose {

std::span<const Check> all_checks() noexcept {
  static constexpr auto kChecks = std::to_array<Check>({
      {kLocation, false, check_location},
      {"header", false, check_header},
      {"encryption", false, check_encryption},
      {"permissions", false, check_permissions},
      {"file-system", false, check_file_system},
      {"free-space", false, check_free_space},
      {"hard-links", false, check_hard_links},
      {"cloud-sync", false, check_cloud_sync},
      {"processes", false, check_processes},
      {"replaced-file", false, check_replaced_file},
      {"journal-mode", false, check_journal_mode},
      {"mixed-journals", false, check_mixed_journals},
      {kSidecars, false, check_sidecars},
      {"log-size", false, check_log_size},
      {"locks", false, check_locks},
      {"engine-version", false, check_engine_version},
      {"second-engine", false, check_second_engine},
      {"integrity", true, check_integrity},
      {"foreign-keys", true, check_foreign_keys},
      {"foreign-key-indexes", true, check_foreign_key_indexes},
      {"free-pages", true, check_free_pages},
      {"embeddings", true, check_embeddings},
  });
  return kChecks;
}

Finding unanswered(const Content::Answer& answer) {
  if (answer.too_long) {
    return skip(
        "it takes longer than a program that uses the file should be made to wait; --full looks "
        "all the same");
  }
  Finding finding = skip("it cannot be read: " + answer.problem);
  if (answer.damaged) finding.status = CheckStatus::Fail;
  if (answer.damaged) finding.cure = "See what the check `integrity` says.";
  return finding;
}

}  // namespace turnstile::diagnose
