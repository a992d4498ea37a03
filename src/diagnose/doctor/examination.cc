#include "diagnose/doctor/examination.h"

#include <algorithm>
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

void add(std::string_view id, Findings findings, DoctorReport& report) {
  for (Finding& finding : findings) {
    finding.id = id;
    report.findings.push_back(std::move(finding));
  }
}

Findings findings_of(const Check& check, const Patient& patient) {
  // What is no file is nothing else either, and has other links and rights than one.
  if (patient.content.kind == FileKind::NotRegular && check.id != kLocation)
    return {skip("this is no regular file")};
  if (check.looks_inside && !patient.inside) return {skip(patient.why_not_inside)};
  return check.run(patient);
}

/// A file that is read without locks may be changed meanwhile; then what was found is not true.
bool was_disturbed(const Patient& patient) {
  return patient.inside && patient.inside->manner() != Content::Manner::Beside &&
         patient.has_changed();
}

void forget_inside(DoctorReport& report) {
  for (const Check& check : all_checks()) {
    // Whose log it is was seen inside, too.
    if (!check.looks_inside && check.id != kSidecars) continue;
    for (Finding& finding : report.findings) {
      if (finding.id != check.id) continue;
      finding = skip("somebody began to use the file meanwhile; look again");
      finding.id = check.id;
    }
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
  patient.look_inside();
  DoctorReport report;
  report.path = patient.path.string();
  for (const Check& check : all_checks())
    add(check.id, findings_of(check, patient), report);
  gate::sync_point("doctor:looked");
  if (was_disturbed(patient)) forget_inside(report);
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
