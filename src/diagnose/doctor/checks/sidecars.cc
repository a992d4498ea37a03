// What lies beside a file that nobody uses: a log or journal that belongs to it is taken in by the
// next who opens it, and one that does not belong to it is taken in just the same.
#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

namespace {

constexpr std::string_view kOpenOnce =
    "copy it aside with what lies beside it, and open it once, so that SQLite finishes what was "
    "interrupted";

/// A clause about the times, where they say something.
void tell_if_older(const Patient& patient, Finding& finding) {
  if (patient.state(Part::Log).changed_ns >= patient.state(Part::Database).changed_ns) return;
  finding.evidence.emplace_back(
      "the log was last written before the file was, as after a checkpoint, or because it is of "
      "another file");
}

Finding foreign_log(const Patient& patient, std::string why) {
  Finding finding;
  finding.status = CheckStatus::Fail;
  finding.title = "the log beside the file is not its own";
  finding.evidence = {quoted(patient.part(Part::Log)), std::move(why)};
  finding.cause = "leftover-log";
  finding.cure =
      "Open it with nothing: SQLite would copy the log into the file and damage it. Put the file "
      "aside together with its log, and bring back the two that belong together; if the file alone "
      "is what is wanted, take the log away.";
  if (patient.has_content(Part::Database)) tell_if_older(patient, finding);
  return finding;
}

Finding damaged_log(const Patient& patient, const LogContent& log) {
  Finding finding;
  finding.status = CheckStatus::Fail;
  finding.title =
      "the log is damaged; " + counted(log.lost_frames, "committed page") + " cannot be read";
  finding.evidence = {counted(log.committed_frames, "page") + " before the damage in " +
                      quoted(patient.part(Part::Log))};
  finding.cause = "damaged-file";
  finding.cure =
      "Copy the file and its log before anything opens it: SQLite takes a wrong checksum for the "
      "end of the log, and overwrites what lies behind. After a power failure without `PRAGMA "
      "synchronous=FULL` this can happen to the last commits: then go on with what was committed "
      "before. Otherwise restore a backup.";
  return finding;
}

Finding left_log(const Patient& patient, const LogContent& log) {
  Finding finding;
  finding.status = CheckStatus::Warn;
  finding.title = "a program ended without closing the file, and its log is still to be taken in";
  finding.evidence = {counted(log.committed_frames, "page") + " in " +
                      quoted(patient.part(Part::Log))};
  if (log.is_torn) {
    finding.evidence.emplace_back(
        "what was written last was not written to its end, and counts for nothing");
  }
  tell_if_older(patient, finding);
  finding.cause = "recovery-after-crash";
  if (patient.soundness && patient.soundness->is_whole()) {
    finding.cure =
        "Nothing has to be done: who opens the file next takes it in. Never delete the log, and "
        "copy it with the file; what was committed last is only there.";
    finding.fix = kOpenOnce;
  } else {
    finding.cure =
        "Copy the file with its log before anything opens it, which takes the log in: whether the "
        "two are whole together could not be seen; the check `integrity` says why.";
  }
  return finding;
}

/// Says which log does not go with what is inside the file, and nothing of one that does.
std::string why_it_does_not_fit(const Patient& patient) {
  if (patient.without_log && patient.without_log->is_whole())
    return "the file is whole without the log, and damaged with it";
  if (patient.has_foreign_tables)
    return "with the log the file has none of the tables that it has without";
  return {};
}

Finding check_log(const Patient& patient, const Header& header) {
  const LogContent& log = *patient.log;
  if (!log.is_log) {
    Finding strange = foreign_log(patient, "it does not begin as a write-ahead log");
    strange.status = CheckStatus::Warn;
    return strange;
  }
  if (log.page_size != header.page_size) {
    return foreign_log(patient, "its pages have " + std::to_string(log.page_size) +
                                    " bytes, those of the file " +
                                    std::to_string(header.page_size));
  }
  if (log.lost_frames > 0) return damaged_log(patient, log);
  if (log.committed_frames == 0)
    return pass("the log beside the file has nothing that was committed");
  if (!header.has_log()) {
    return foreign_log(patient, "the file says that it has no write-ahead log, and the log has " +
                                    counted(log.committed_frames, "page"));
  }
  // The counter of the first page only grows, in the log as in the file.
  if (log.change_counter && *log.change_counter < header.change_counter) {
    return foreign_log(patient, "its newest first page is of change " +
                                    std::to_string(*log.change_counter) + ", that of the file of " +
                                    std::to_string(header.change_counter));
  }
  if (std::string why = why_it_does_not_fit(patient); !why.empty())
    return foreign_log(patient, std::move(why));
  return left_log(patient, log);
}

Finding strange_part(const Patient& patient, Part part) {
  Finding finding;
  finding.status = CheckStatus::Fail;
  finding.title = quoted(patient.part(part)) + " is not a regular file";
  finding.cure =
      "Find out who made it, and take it away: whoever opens the database waits for it or fails.";
  return finding;
}

Finding hot_journal(const Patient& patient) {
  Finding finding;
  finding.status = CheckStatus::Warn;
  finding.title = "a program died in a transaction, which is still to be undone";
  finding.evidence = {quoted(patient.part(Part::Journal)) + " has " +
                      counted(patient.state(Part::Journal).size, "byte")};
  finding.cause = "hot-journal";
  finding.cure =
      "Nothing has to be done: who opens the file next, with the right to write, undoes it. Never "
      "delete the journal, and copy it with the file, which is half changed without it.";
  // Who opens the file for the journal takes the log in too.
  if (!patient.in_use() && !patient.has_content(Part::Log)) finding.fix = kOpenOnce;
  return finding;
}

Finding lonely_index(const Patient& patient) {
  Finding finding;
  finding.status = CheckStatus::Warn;
  finding.title = "there is a -shm file without a log";
  finding.evidence = {quoted(patient.part(Part::LogIndex))};
  finding.cause = "last-close";
  finding.cure =
      "It is harmless, and made anew by who opens the file next. If the log was deleted, what was "
      "committed last is lost: ask who did it.";
  return finding;
}

}  // namespace

Findings check_sidecars(const Patient& patient) {
  if (!patient.content.header) {
    if (patient.content.kind == FileKind::Empty && patient.has_content(Part::Log))
      return {foreign_log(patient, "the file is empty")};
    return {skip("there is no header to compare with")};
  }
  if (const auto strange = patient.strange_part()) return {strange_part(patient, *strange)};
  Findings findings;
  if (patient.has_hot_journal()) findings.push_back(hot_journal(patient));
  if (!patient.in_use()) {
    if (patient.log)
      findings.push_back(check_log(patient, *patient.content.header));
    else if (patient.state(Part::LogIndex).exists && !patient.state(Part::Log).exists)
      findings.push_back(lonely_index(patient));
  }
  if (findings.empty()) {
    findings.push_back(pass(patient.in_use() ? "what lies beside the file is in use"
                                             : "nothing was left beside the file"));
  }
  return findings;
}

}  // namespace turnstile::diagnose
