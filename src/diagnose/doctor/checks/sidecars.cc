// What lies beside a file that nobody uses: a log or journal that belongs to it is taken in by the
// next who opens it, and one that does not belong to it is taken in just the same.
#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

namespace {

constexpr std::string_view kOpenOnce =
    "open the file once, so that SQLite finishes what was interrupted";

Finding foreign_log(const Patient& patient, std::string why) {
  Finding finding;
  finding.status = CheckStatus::Fail;
  finding.title = "the log beside the file is not its own";
  finding.evidence = {quoted(patient.part(Part::Log)), std::move(why)};
  finding.cause = "replaced-file";
  finding.cure =
      "Open it with nothing: SQLite would copy the log into the file and damage it. Put the file "
      "aside together with its log, and bring back the two that belong together; if the file alone "
      "is what is wanted, take the log away.";
  return finding;
}

Finding left_log(const Patient& patient, const LogContent& log) {
  Finding finding;
  finding.status = CheckStatus::Warn;
  finding.title = "a program ended without closing the file, and its log is still to be taken in";
  finding.evidence = {counted(log.committed_frames, "page") + " in " +
                      quoted(patient.part(Part::Log))};
  finding.cause = "recovery-after-crash";
  finding.cure =
      "Nothing has to be done: who opens the file next takes it in. Never delete the log, and copy "
      "it with the file; what was committed last is only there.";
  finding.fix = kOpenOnce;
  return finding;
}

Finding check_log(const Patient& patient, const Header& header) {
  const LogContent log = read_log(patient.part(Part::Log));
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
  return left_log(patient, log);
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
  if (!patient.in_use()) finding.fix = kOpenOnce;
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
  Findings findings;
  if (patient.has_hot_journal()) findings.push_back(hot_journal(patient));
  if (!patient.in_use()) {
    if (patient.has_content(Part::Log))
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
