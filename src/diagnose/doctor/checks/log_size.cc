#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

Findings check_log_size(const Patient& patient) {
  if (!patient.has_content(Part::Log)) return {pass("the write-ahead log is empty or not there")};
  // SQLite copies at about 4 MiB unless told otherwise, and this library keeps it below 64.
  constexpr std::uint64_t kLarge = 64 * 1024 * 1024;
  const std::uint64_t size = patient.state(Part::Log).size;
  std::vector<std::string> readers;
  for (const LockInfo& lock : patient.locks)
    if (is_read_mark(lock)) readers.push_back(in_words(lock));
  const std::string text = "the write-ahead log has " + std::to_string(size / 1024) + " KiB";
  if (size <= kLarge) return {pass(text, readers)};
  Finding finding;
  finding.status = CheckStatus::Warn;
  finding.title = text;
  finding.evidence = readers;
  if (readers.empty()) {
    finding.cure =
        "Copy it into the file: `turnstile checkpoint`. Each reader has to look through the log, "
        "and opening after a crash has to read all of it.";
  } else {
    finding.title += ", and is being read";
    finding.cause = "long-reader";
    finding.cure =
        "A transaction that reads keeps all that was written since it began: end it, or let it "
        "begin anew from time to time. A statement that was not read to its end is one too.";
  }
  return {finding};
}

}  // namespace turnstile::diagnose
