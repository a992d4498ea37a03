#include "audit/common.h"

#include <fmt/core.h>

#include <cstdlib>
#include <string>

#include "audit/times.h"
#include "failure.h"
#include "input.h"
#include "json.h"
#include "json_input.h"
#include "text.h"

namespace turnstile::cli {

namespace {

std::string without_space(const std::string& text) {
  std::string rest;
  for (const char c : text)
    if (std::string_view(" \t\r\n").find(c) == std::string_view::npos) rest += c;
  return rest;
}

// What somebody has changed to something else is shown as it is.
Json detail_of(const AuditEvent& event) {
  return read_json(event.detail).value_or(Json(event.detail));
}

}  // namespace

AuditKey audit_key(const Context& context) {
  if (const auto file = context.arguments.value("--key-file"))
    return AuditKey::from_hex(without_space(read_file(*file)));
  const char* const variable = std::getenv("TURNSTILE_AUDIT_KEY");
  return variable == nullptr ? AuditKey() : AuditKey::from_hex(without_space(variable));
}

std::optional<std::chrono::system_clock::time_point> moment(const Arguments& arguments,
                                                            std::string_view flag) {
  const auto text = arguments.value(flag);
  if (!text) return std::nullopt;
  if (const auto time = audit::parse_iso_time(*text)) return time;
  throw usage_failure(fmt::format("'{}' is no time for {}", *text, flag),
                      "Write it in UTC, as in 2026-03-01T12:00:00Z.");
}

Json to_json(const AuditRecord& record) {
  const AuditEvent& event = record.event;
  return {{"id", record.id},
          {"time", iso_time(event.time.value_or(std::chrono::system_clock::time_point()))},
          {"actor", event.actor},
          {"action", event.action},
          {"subject", event.subject},
          {"detail", detail_of(event)},
          {"trace", event.trace},
          {"session", event.session},
          {"previous_hash", hex(record.previous_hash)},
          {"hash", hex(record.hash)}};
}

Json to_json(const AuditSegment& segment) {
  return {{"id", segment.id},
          {"first_id", segment.first_id},
          {"last_id", segment.last_id},
          {"events", segment.events},
          {"flaws", segment.flaws},
          {"first_time", iso_time(segment.first_time)},
          {"last_time", iso_time(segment.last_time)},
          {"sealed_at", iso_time(segment.sealed_at)}};
}

std::string counted(std::int64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string to_line(const AuditRecord& record) {
  const AuditEvent& event = record.event;
  std::string line =
      fmt::format("{:>6}  {}  {}  {}", record.id,
                  iso_time(event.time.value_or(std::chrono::system_clock::time_point())),
                  event.actor, event.action);
  if (!event.subject.empty()) line += "  " + event.subject;
  if (event.detail != "{}") line += "  " + event.detail;
  return printable(line);
}

}  // namespace turnstile::cli
