// A database to be examined, in a state that a test makes, and what the examination says of it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "diagnose/doctor/examination.h"
#include "support/files.h"
#include "support/raw_sqlite.h"
#include "support/sqlite_shell.h"
#include "support/temp_dir.h"
#include "turnstile/doctor.h"

namespace turnstile {

inline void PrintTo(CheckStatus status, std::ostream* out) {
  *out << to_string(status);
}
inline void PrintTo(const Finding& finding, std::ostream* out) {
  *out << finding.id << " " << to_string(finding.status) << ": " << finding.title;
  for (const std::string& clause : finding.evidence)
    *out << "\n  " << clause;
}

}  // namespace turnstile

namespace turnstile::test {

/// The findings of one check, which are never none.
[[nodiscard]] inline std::vector<Finding> findings_of(const DoctorReport& report,
                                                      std::string_view id) {
  std::vector<Finding> found;
  std::ranges::copy_if(report.findings, std::back_inserter(found),
                       [&](const Finding& finding) { return finding.id == id; });
  if (found.empty()) throw std::runtime_error("no finding of " + std::string(id));
  return found;
}

/// The worst of them.
[[nodiscard]] inline Finding finding_of(const DoctorReport& report, std::string_view id) {
  const auto found = findings_of(report, id);
  return *std::ranges::max_element(found, {}, &Finding::status);
}

[[nodiscard]] inline std::vector<Finding> troubles_of(const DoctorReport& report) {
  std::vector<Finding> found;
  std::ranges::copy_if(report.findings, std::back_inserter(found),
                       [](const Finding& finding) { return finding.status > CheckStatus::Skip; });
  return found;
}

class Doctor : public testing::Test {
 protected:
  [[nodiscard]] std::string path() const { return directory_.file("app.db"); }
  [[nodiscard]] std::string wal() const { return path() + "-wal"; }

  void make(const std::string& sql = "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT)",
            const std::string& mode = "wal") const {
    run_raw(path(), "PRAGMA journal_mode=" + mode + ";" + sql);
  }
  /// Runs statements in a program that is killed then, so that what it has in its log or journal
  /// stays there.
  void crash_after(const std::string& sql) const {
    SqliteShell shell(path());
    shell.run(sql);
    shell.process().kill();
  }
  void patch(std::size_t offset, std::string_view bytes) const {
    std::fstream file(path(), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(offset));
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

  [[nodiscard]] DoctorReport report(const DoctorOptions& options = {}) const {
    return examine(path(), options);
  }
  [[nodiscard]] Finding finding(std::string_view id, const DoctorOptions& options = {}) const {
    return finding_of(report(options), id);
  }

  TempDir directory_;
};

}  // namespace turnstile::test
