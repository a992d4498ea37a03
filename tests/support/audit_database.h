// A database with an audit log, for the tests of the audit layer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/raw_sqlite.h"
#include "support/temp_dir.h"
#include "turnstile/audit.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {

[[nodiscard]] inline AuditKey audit_key(std::string_view digit = "7") {
  std::string digits;
  while (digits.size() < 64)
    digits += digit;
  return AuditKey::from_hex(digits);
}

/// Settings with that key, so that a test names it in one word.
[[nodiscard]] inline AuditOptions with_key(const AuditKey& key) {
  AuditOptions options;
  options.key = key;
  return options;
}

/// An open database, gone with this object.
///
/// Threads: as Database.
class AuditDatabase {
 public:
  explicit AuditDatabase(Options options = {})
      : database_(Database::open(file(), std::move(options))) {}

  [[nodiscard]] std::string file() const { return directory_.file("audit.db"); }
  [[nodiscard]] const TempDir& directory() const noexcept { return directory_; }
  [[nodiscard]] const Database& operator*() const noexcept { return database_; }
  [[nodiscard]] Database* operator->() noexcept { return &database_; }
  [[nodiscard]] const Database* operator->() const noexcept { return &database_; }
  [[nodiscard]] Lane lane(std::string_view name = "audit") const { return database_.lane(name); }

  /// What somebody does who goes around the log, on a connection of his own.
  std::string raw(const std::string& sql) const { return run_raw(file(), sql); }
  [[nodiscard]] std::int64_t count(const std::string& condition = "true") const {
    return std::stoll(raw("SELECT count(*) FROM audit_event WHERE " + condition));
  }

 private:
  TempDir directory_;
  Database database_;
};

/// Records `count` events with the actions `PREFIX 1`, `PREFIX 2`, ... and commits them.
inline void record_many(const AuditLog& log, int count, const std::string& prefix = "act ") {
  for (int i = 1; i <= count; ++i)
    static_cast<void>(log.record_sync({.action = prefix + std::to_string(i)}));
}

/// The findings as words, such as `changed 3` or `missing 4-6`.
[[nodiscard]] inline std::vector<std::string> findings_of(const AuditVerification& verification) {
  std::vector<std::string> words;
  for (const AuditFinding& finding : verification.findings) {
    std::string word =
        std::string(to_string(finding.flaw)) + " " + std::to_string(finding.first_id);
    if (finding.last_id != finding.first_id) word += "-" + std::to_string(finding.last_id);
    words.push_back(std::move(word));
  }
  return words;
}

}  // namespace turnstile::test
