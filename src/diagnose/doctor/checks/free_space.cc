#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

Findings check_free_space(const Patient& patient) {
  constexpr std::uint64_t kMiB = 1024 * 1024;
  constexpr std::uint64_t kLeast = 10 * kMiB;
  if (!patient.file_system) return {skip("nothing is known of the file system")};
  const std::uint64_t free = patient.file_system->free_bytes;
  if (free >= kLeast) return {pass(std::to_string(free / kMiB) + " MiB are free")};
  Finding finding;
  finding.status = CheckStatus::Warn;
  finding.title = "only " + std::to_string(free / 1024) + " KiB are free for this user";
  finding.cause = "disk-full";
  finding.cure =
      "Free space. Even a DELETE needs room in the log, and so does the checkpoint that would give "
      "the log's own space back.";
  return {finding};
}

}  // namespace turnstile::diagnose
