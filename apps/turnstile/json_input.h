// JSON that comes from outside, and may be anything.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "json.h"

namespace turnstile::cli {

/// Nothing for a text that is no JSON, or has more than 100 arrays and objects inside one another:
/// what writes a value calls itself once a level. A NUL byte would be taken for the text's end.
inline std::optional<Json> read_json(std::string_view text) {
  constexpr int kDeepest = 100;
  bool is_too_deep = false;
  const auto watch = [&](int depth, Json::parse_event_t event, Json&) {
    using Event = Json::parse_event_t;
    const bool begins = event == Event::array_start || event == Event::object_start;
    is_too_deep = is_too_deep || (begins && depth >= kDeepest);
    return !is_too_deep;
  };
  Json json = Json::parse(text, watch, false);
  if (is_too_deep || json.is_discarded() || text.find('\0') != text.npos) return std::nullopt;
  return json;
}

}  // namespace turnstile::cli
