// What the commands of the group have in common: the key, numbers and times, and events as text.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "context.h"
#include "turnstile/audit.h"

namespace turnstile::cli {

/// From --key-file or TURNSTILE_AUDIT_KEY; none when there is neither. Throws Failure and
/// MisuseError (AUDIT_KEY_INVALID).
[[nodiscard]] AuditKey audit_key(const Context& context);

/// The value of a flag, a time in ISO 8601 and UTC. Throws Failure (USAGE).
[[nodiscard]] std::optional<std::chrono::system_clock::time_point> moment(
    const Arguments& arguments, std::string_view flag);

[[nodiscard]] nlohmann::ordered_json to_json(const AuditRecord& record);
[[nodiscard]] nlohmann::ordered_json to_json(const AuditSegment& segment);
/// `1 event`, `2 events`.
[[nodiscard]] std::string counted(std::int64_t count, std::string_view noun);
/// One line for people.
[[nodiscard]] std::string to_line(const AuditRecord& record);

}  // namespace turnstile::cli
