#include "doctor/findings.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "text.h"

namespace turnstile::cli {

namespace {

constexpr std::size_t kColumns = 80;
constexpr auto kStatuses = std::to_array<CheckStatus>(
    {CheckStatus::Pass, CheckStatus::Skip, CheckStatus::Warn, CheckStatus::Fail});

std::string_view colour_of(CheckStatus status, const Style& style) {
  switch (status) {
    case CheckStatus::Warn:
      return style.yellow;
    case CheckStatus::Fail:
      return style.red;
    default:
      return style.dim;
  }
}

/// Words, broken where a line would be too long. What cannot be broken stands out, so that it can
/// be copied.
std::string broken(std::string_view text, std::size_t indent) {
  std::string result;
  std::size_t width = indent;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    const std::size_t columns = display_width(word);
    if (width > indent && width + 1 + columns > kColumns) {
      result += '\n' + std::string(indent, ' ');
      width = indent;
    } else if (width > indent) {
      result += ' ';
      ++width;
    }
    result += word;
    width += columns;
  }
  return result;
}

void print_finding(const Finding& finding, std::size_t id_width, Output& output) {
  const Style& style = output.style();
  const std::size_t indent = 6 + id_width + 2;
  const auto line = [&](std::string_view colour, std::string_view text) {
    output.write(fmt::format("{}{}{}{}\n", std::string(indent, ' '), colour,
                             broken(printable(text), indent),
                             colour.empty() ? std::string_view() : style.plain));
  };
  output.write(fmt::format("{}{:<6}{}{:<{}}  {}\n", colour_of(finding.status, style),
                           to_string(finding.status), style.plain, finding.id, id_width,
                           broken(printable(finding.title), indent)));
  for (const std::string& clause : finding.evidence)
    line(style.dim, clause);
  if (!finding.cure.empty()) line({}, "cure: " + finding.cure);
  if (!finding.cause.empty()) line({}, "see: turnstile explain " + finding.cause);
  if (!finding.fix.empty()) line({}, "--fix would " + finding.fix);
}

}  // namespace

Json to_json(const DoctorReport& report, const std::vector<Repair>& repairs) {
  Json findings = Json::array();
  for (const Finding& finding : report.findings) {
    findings.push_back({{"id", finding.id},
                        {"severity", to_string(finding.status)},
                        {"title", finding.title},
                        {"evidence", finding.evidence},
                        {"cure", text_or_null(finding.cure)},
                        {"cause", text_or_null(finding.cause)},
                        {"fixable", !finding.fix.empty()},
                        {"fix", text_or_null(finding.fix)}});
  }
  Json summary = Json::object();
  for (const CheckStatus status : kStatuses)
    summary[std::string(to_string(status))] = report.count(status);
  Json fixed = Json::array();
  for (const Repair& repair : repairs)
    fixed.push_back({{"id", repair.id}, {"done", repair.done}});
  return {{"path", report.path}, {"findings", findings}, {"summary", summary}, {"fixed", fixed}};
}

void print(const DoctorReport& report, const std::vector<Repair>& repairs, Output& output) {
  std::size_t id_width = 0;
  for (const Finding& finding : report.findings)
    id_width = std::max(id_width, finding.id.size());
  for (const Repair& repair : repairs)
    output.write(fmt::format("fixed {:<{}}  {}\n", repair.id, id_width, printable(repair.done)));
  for (const Finding& finding : report.findings)
    print_finding(finding, id_width, output);
  output.write(fmt::format("{}: {} passed, {} skipped, {} warnings, {} failures\n",
                           printable(report.path), report.count(CheckStatus::Pass),
                           report.count(CheckStatus::Skip), report.count(CheckStatus::Warn),
                           report.count(CheckStatus::Fail)));
}

ExitCode exit_code_of(const DoctorReport& report) noexcept {
  switch (report.worst()) {
    case CheckStatus::Fail:
      return ExitCode::Findings;
    case CheckStatus::Warn:
      return ExitCode::No;
    default:
      return ExitCode::Done;
  }
}

}  // namespace turnstile::cli
