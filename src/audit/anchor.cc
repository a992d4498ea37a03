#include <charconv>

#include "audit/hex.h"
#include "audit/tables.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "turnstile/audit_trail.h"

namespace turnstile {

namespace {

constexpr std::string_view kPrefix = "turnstile-audit:";

/// What is in front of the next colon, or all of it; takes both away.
std::string_view take_part(std::string_view& text) {
  const std::string_view part = text.substr(0, text.find(':'));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return part;
}

}  // namespace

std::string AuditAnchor::to_string() const {
  return std::string(kPrefix) + log + ':' + std::to_string(id) + ':' + audit::to_hex(hash);
}

AuditAnchor AuditAnchor::parse(std::string_view text, std::source_location where) {
  AuditAnchor anchor;
  const bool has_prefix = text.starts_with(kPrefix);
  std::string_view rest = has_prefix ? text.substr(kPrefix.size()) : std::string_view();
  audit::LogId log{};
  const bool has_log = audit::from_hex(take_part(rest), log);
  const std::string_view id = take_part(rest);
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), anchor.id);
  const bool has_id =
      !id.empty() && error == std::errc() && end == id.data() + id.size() && anchor.id >= 0;
  if (!has_log || !has_id || !audit::from_hex(rest, anchor.hash)) {
    Call call;
    call.where = where;
    sqlite::raise_misuse(
        code("AUDIT_ANCHOR_INVALID"),
        "the text is no anchor of an audit log, which is " + std::string(kPrefix) + "LOG:ID:HASH",
        call);
  }
  anchor.log = audit::to_hex(log);
  return anchor;
}

std::string_view to_string(AuditFlaw flaw) noexcept {
  switch (flaw) {
    case AuditFlaw::Changed:
      return "changed";
    case AuditFlaw::Unlinked:
      return "unlinked";
    case AuditFlaw::Missing:
      return "missing";
    case AuditFlaw::Inserted:
      return "inserted";
    case AuditFlaw::Break:
      return "break";
    case AuditFlaw::Head:
      return "head";
    case AuditFlaw::Segment:
      return "segment";
    case AuditFlaw::Anchor:
      return "anchor";
  }
  return "unknown";
}

std::string_view to_string(AuditProof proof) noexcept {
  switch (proof) {
    case AuditProof::None:
      return "none";
    case AuditProof::Contained:
      return "contained";
    case AuditProof::Unknown:
      return "unknown";
    case AuditProof::Contradicted:
      return "contradicted";
  }
  return "unknown";
}

}  // namespace turnstile
