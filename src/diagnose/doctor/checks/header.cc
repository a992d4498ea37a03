#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

namespace {

Finding unusable_header(std::string title, std::string cure, std::string cause = {}) {
  Finding finding;
  finding.status = CheckStatus::Fail;
  finding.title = std::move(title);
  finding.cure = std::move(cure);
  finding.cause = std::move(cause);
  return finding;
}

Finding unreadable(const FileContent& content) {
  const std::string title = "the file cannot be read: " + content.why;
  if (content.is_forbidden) return unusable_header(title, "Give this user the right to read it.");
  return unusable_header(title,
                         "The system could not read it: see what the kernel's log says of the "
                         "disk, and copy what can still be copied.",
                         "io-error");
}

Finding check_fields(const Patient& patient, const Header& header) {
  constexpr int kNewestVersion = 2;
  if (header.read_version > kNewestVersion) {
    return unusable_header("the file is of a version that no SQLite of today can read, " +
                               std::to_string(header.read_version),
                           "Restore a backup, unless a newer program has made the file.");
  }
  const std::uint64_t size = patient.state(Part::Database).size;
  // Whoever uses the file, or a log that waits to be copied into it, may be changing its size.
  const bool is_at_rest = !patient.in_use() && !patient.has_content(Part::Log);
  const std::uint64_t expected = std::uint64_t{header.page_count} * header.page_size;
  if (is_at_rest && header.valid_for == header.change_counter && size < expected) {
    return unusable_header("the file is cut off: it has " + std::to_string(size) +
                               " bytes, and its header says " + std::to_string(expected),
                           "Restore a backup; `turnstile recover` saves what can be read.",
                           "truncated-file");
  }
  return pass("it is a SQLite database",
              {"pages of " + std::to_string(header.page_size) + " bytes",
               "last written by SQLite " + version_text(static_cast<int>(header.engine_version))});
}

}  // namespace

Findings check_header(const Patient& patient) {
  switch (patient.content.kind) {
    case FileKind::Database:
      return {check_fields(patient, *patient.content.header)};
    case FileKind::Empty:
      return {pass("the file is empty, which is a database without tables")};
    case FileKind::Unreadable:
      // What is not even known to be there is the check `location`'s.
      if (!patient.state(Part::Database).exists) break;
      return {unreadable(patient.content)};
    case FileKind::Other:
      return {unusable_header("the file is no SQLite database: " + patient.content.why,
                              "Check the path; if it once was one, restore a backup.",
                              "not-a-database")};
    case FileKind::Encrypted:
    case FileKind::Sealed:
      return {skip("the file is encrypted")};
    case FileKind::Missing:
    case FileKind::NotRegular:
      break;
  }
  return {skip("there is no file to read")};
}

}  // namespace turnstile::diagnose
