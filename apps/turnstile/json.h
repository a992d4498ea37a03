// Values as the commands' JSON shows them.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

namespace turnstile::cli {

using Json = nlohmann::ordered_json;

/// The text, or null for an empty one.
inline Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

/// With fractions.
inline double in_milliseconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace turnstile::cli
