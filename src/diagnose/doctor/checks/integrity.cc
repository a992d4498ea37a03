#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

namespace {

Finding damaged_file(const Patient& patient) {
  Finding finding;
  finding.status = CheckStatus::Fail;
  finding.title = "the file is damaged";
  finding.evidence = patient.soundness->damage;
  finding.cause = "damaged-file";
  finding.cure =
      "Keep a copy of the file with its -wal and -journal, then restore a backup; without one, "
      "`turnstile recover` saves what can be read.";
  if (patient.without_log && patient.without_log->is_whole()) {
    finding.title = "the file is whole, and damaged with the log beside it";
    finding.cause = "leftover-log";
    finding.cure = "See what the check `sidecars` says, before anything opens the file.";
  }
  return finding;
}

}  // namespace

Findings check_integrity(const Patient& patient) {
  const Soundness& soundness = *patient.soundness;
  if (soundness.unanswered) return {unanswered(*soundness.unanswered)};
  Findings findings;
  if (soundness.is_damaged()) {
    findings.push_back(damaged_file(patient));
  } else if (!soundness.unchecked.empty()) {
    findings.push_back(pass(counted(soundness.checked, "table") + " checked, and whole"));
  } else {
    findings.push_back(pass(
        patient.options.full ? "pages, indexes and constraints are whole"
                             : "pages are whole; --full compares indexes with their tables too"));
  }
  if (!soundness.unchecked.empty()) {
    Finding left = skip(counted(soundness.unchecked.size(), "table") +
                        " not checked completely, for want of what only the program has");
    left.evidence = soundness.unchecked;
    findings.push_back(std::move(left));
  }
  return findings;
}

}  // namespace turnstile::diagnose
