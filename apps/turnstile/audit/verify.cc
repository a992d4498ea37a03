#include <fmt/core.h>

#include <fstream>
#include <stop_token>

#include "audit/commands.h"
#include "audit/common.h"
#include "failure.h"
#include "json.h"
#include "progress_bar.h"
#include "session.h"
#include "text.h"

namespace turnstile::cli {

namespace {

AuditVerification verify_file(const std::string& path, const AuditKey& key,
                              const AuditVerifyOptions& options) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    throw Failure(ExitCode::NotFound, "INPUT_NOT_FOUND",
                  fmt::format("cannot open '{}'", printable(path)), "Check the path.");
  }
  return verify_audit_export(in, key, options);
}

Json to_json(const AuditVerification& verification) {
  Json findings = Json::array();
  for (const AuditFinding& finding : verification.findings) {
    findings.push_back({{"flaw", to_string(finding.flaw)},
                        {"first_id", finding.first_id},
                        {"last_id", finding.last_id},
                        {"message", finding.message}});
  }
  Json segments = Json::array();
  for (const AuditSegment& segment : verification.segments)
    segments.push_back(cli::to_json(segment));
  return {{"ok", verification.ok()},
          {"keyed", verification.keyed},
          {"events", verification.events},
          {"sealed", verification.sealed},
          {"gaps", verification.gaps},
          {"flaws", verification.flaws},
          {"findings", findings},
          {"segments", segments},
          {"anchor", verification.ok() ? Json(verification.head.to_string()) : Json()},
          {"given_anchor", to_string(verification.anchor)}};
}

void print(const AuditVerification& verification, Output& output) {
  for (const AuditFinding& finding : verification.findings)
    output.write(fmt::format("{}: {}\n", to_string(finding.flaw), printable(finding.message)));
  if (verification.flaws > verification.findings.size())
    output.write(fmt::format("and {} more\n", verification.flaws - verification.findings.size()));
  output.write(fmt::format("{}: {}, {} sealed, {}, {}\n", verification.ok() ? "whole" : "damaged",
                           counted(verification.events, "event"), verification.sealed,
                           counted(verification.gaps, "gap"),
                           verification.keyed ? "with a key" : "without a key"));
  if (verification.anchor != AuditProof::None)
    output.write(fmt::format("the anchor given is {}\n", to_string(verification.anchor)));
  if (verification.ok()) output.write(fmt::format("anchor: {}\n", verification.head.to_string()));
}

}  // namespace

ExitCode run_audit_verify(Context& context) {
  const Arguments& arguments = context.arguments;
  const AuditKey key = audit_key(context);
  AuditVerifyOptions options;
  if (const auto anchor = arguments.value("--anchor")) options.anchor = AuditAnchor::parse(*anchor);
  std::stop_source stop;
  const Interrupts::StopAction on_signal(context.interrupts, [&] { stop.request_stop(); });
  options.stop = stop.get_token();
  AuditVerification verification;
  {
    ProgressBar progress(arguments.json());
    options.progress = progress.sink();
    verification = arguments.has("--exported")
                       ? verify_file(arguments.positional("DB"), key, options)
                       : AuditTrail(open_for_reading(context, 1).lane("cli"), key).verify(options);
  }
  if (arguments.json())
    context.output.write_json(to_json(verification));
  else
    print(verification, context.output);
  if (!verification.ok()) return ExitCode::Findings;
  return verification.anchor == AuditProof::Unknown ? ExitCode::No : ExitCode::Done;
}

}  // namespace turnstile::cli
