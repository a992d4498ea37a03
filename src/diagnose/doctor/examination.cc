#include "diagnose/doctor/examination.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <system_error>
#include <utility>

#include "diagnose/doctor/checks.h"
#include "diagnose/doctor/patient.h"
#include "gate/sync_point.h"
#include "sqlite/raise.h"

namespace turnstile {

namespace diagnose {

namespace fs = std::filesystem;

namespace {

/// How long one question may take beside programs that use the file: whoever cuts the log off with
/// a busy timeout waits for the reader, and all writers with him.
constexpr std::chrono::milliseconds kLongestQuestion{200};

std::string why_not_inside(const Patient& patient) {
  switch (patient.content.kind) {
    case FileKind::Database:
      break;
    case FileKind::Empty:
      return "the file is empty";
    case FileKind::Encrypted:
    case FileKind::Sealed:
      return "the file is encrypted";
    default:
      return "there is no database to look into";
  }
  if (patient.has_hot_journal())
    return "a transaction was left half done, and has to be undone first";
  if (patient.in_use() && !patient.content.header->has_log()) {
    return "the file is in use by " + patient.users() +
           " and has no write-ahead log, so that a reader would keep its writers out";
  }
  return {};
}

void look_inside(Patient& patient) {
  patient.why_not_inside = why_not_inside(patient);
  if (!patient.why_not_inside.empty()) return;
  // Whoever has a log and no index of it has not read anything yet.
  const bool is_still = !patient.in_use() || !patient.state(Part::LogIndex).exists;
  const bool is_limited = !is_still && !patient.options.full;
  patient.inside.emplace(patient.path, is_still ? Content::Manner::Still : Content::Manner::Beside,
                         is_limited ? std::optional(kLongestQuestion) : std::nullopt,
                         patient.options.stop);
}

void add(std::string_view id, Findings findings, DoctorReport& report) {
  for (Finding& finding : findings) {
    finding.id = id;
    report.findings.push_back(std::move(finding));
  }
}

/// A file that is read without locks may be changed meanwhile; then what was found is not true.
bool was_disturbed(const Patient& patient, const std::vector<FileState>& before) {
  return patient.inside && patient.inside->manner() == Content::Manner::Still &&
         patient.fingerprint() != before;
}

void run_inside(Patient& patient, DoctorReport& report) {
  const std::vector<FileState> before = patient.fingerprint();
  look_inside(patient);
  const std::size_t first = report.findings.size();
  for (const Check& check : all_checks()) {
    if (!check.looks_inside) continue;
    if (patient.inside)
      add(check.id, check.run(patient), report);
    else
      add(check.id, {skip(patient.why_not_inside)}, report);
  }
  gate::sync_point("doctor:looked");
  if (!was_disturbed(patient, before)) return;
  for (std::size_t i = first; i < report.findings.size(); ++i) {
    std::string id = report.findings[i].id;
    report.findings[i] = skip("somebody began to use the file meanwhile; look again");
    report.findings[i].id = std::move(id);
  }
}

}  // namespace

fs::path resolve(std::string_view path) {
  if (path.empty() || path.find('\0') != std::string_view::npos)
    sqlite::raise_misuse(code("OPTION_INVALID"), "the path is empty or has a NUL byte");
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  fs::path resolved = fs::weakly_canonical(absolute, error);
  return error ? absolute.lexically_normal() : resolved;
}

DoctorReport examine(std::string_view path, const DoctorOptions& options,
                     const StatFileSystem& stat) {
  Patient patient(resolve(path), options, stat);
  DoctorReport report;
  report.path = patient.path.string();
  for (const Check& check : all_checks())
    if (!check.looks_inside) add(check.id, check.run(patient), report);
  run_inside(patient, report);
  return report;
}

}  // namespace diagnose

std::string_view to_string(CheckStatus status) noexcept {
  switch (status) {
    case CheckStatus::Pass:
      return "pass";
    case CheckStatus::Skip:
      return "skip";
    case CheckStatus::Warn:
      return "warn";
    case CheckStatus::Fail:
      return "fail";
  }
  return "";
}

std::size_t DoctorReport::count(CheckStatus status) const noexcept {
  return static_cast<std::size_t>(std::ranges::count(findings, status, &Finding::status));
}

CheckStatus DoctorReport::worst() const noexcept {
  const auto worst = std::ranges::max_element(findings, {}, &Finding::status);
  return worst == findings.end() ? CheckStatus::Pass : worst->status;
}

DoctorReport examine(std::string_view path, const DoctorOptions& options) {
  return diagnose::examine(path, options, diagnose::stat_file_system);
}

}  // namespace turnstile
