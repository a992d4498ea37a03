// The lines of an exported chain: one JSON object each, whose member `type` says what it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "audit/chain.h"

namespace turnstile::audit {

[[nodiscard]] std::string to_line(const ExportStart& start);
[[nodiscard]] std::string to_line(const AuditSegment& segment);
[[nodiscard]] std::string to_line(const AuditRecord& record);
[[nodiscard]] std::string to_line(const ExportEnd& end);

/// An event of which only the id can be read. Threads: immutable.
struct BadEvent {
  std::int64_t id = 0;
};
using ExportLine = std::variant<ExportStart, AuditSegment, AuditRecord, BadEvent, ExportEnd>;
/// Nothing when it is none of these; members that it does not know are passed over.
[[nodiscard]] std::optional<ExportLine> parse_line(std::string_view line);

}  // namespace turnstile::audit
