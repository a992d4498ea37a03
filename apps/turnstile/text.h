// Text as a terminal shows it, as JSON carries it, and as people mistype it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

namespace turnstile::cli {

/// How many columns `text` takes on a terminal: one a code point, two for East Asian wide
/// characters and emoji, none for combining marks.
[[nodiscard]] std::size_t display_width(std::string_view text) noexcept;

/// `text` on one line and harmless to a terminal: control characters are escaped as in C, bytes
/// that are not UTF-8 become U+FFFD. Line feeds stay when `lines` is true.
[[nodiscard]] std::string printable(std::string_view text, bool lines = false);

/// As printable(), and at most `columns` wide, with an ellipsis where something was left out.
/// Looks at no more of the text than it shows.
[[nodiscard]] std::string shortened(std::string_view text, std::size_t columns);

/// JSON on one line; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string dump(const nlohmann::ordered_json& json);

/// ISO 8601 in UTC with microseconds, such as `2026-03-01T12:00:00.000000Z`.
[[nodiscard]] std::string iso_time(std::chrono::system_clock::time_point time);

/// A number of bytes for people, such as `12.0 KiB`.
[[nodiscard]] std::string human_bytes(std::int64_t bytes);

/// A duration for people: `350 ms`, `12.3 s`, `2 h 5 min`.
[[nodiscard]] std::string human_duration(std::chrono::microseconds duration);

/// Lower-case hexadecimal digits.
[[nodiscard]] std::string hex(std::span<const std::byte> bytes);
[[nodiscard]] std::string base64(std::span<const std::byte> bytes);

/// The candidate that `word` was most likely meant to be, or nothing when none is near.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       std::span<const std::string_view> candidates);

}  // namespace turnstile::cli
