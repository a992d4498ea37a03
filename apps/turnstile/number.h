// Numbers as texts that come from outside have them.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace turnstile::cli {

/// Empty unless `text` is a number of that type as a whole: no sign `+`, no white space, nothing
/// behind it.
template <class Number>
[[nodiscard]] std::optional<Number> parse_number(std::string_view text) noexcept {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

}  // namespace turnstile::cli
