#include "text.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>
#include <vector>

namespace turnstile::cli {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";     // U+2026

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

// RFC 3629: no surrogates, nothing overlong, nothing above U+10FFFF. `text` is not empty.
CodePoint first_code_point(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
  char32_t value = lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return {};
    value = (value << 6U) | (byte(i) & 0x3FU);
  }
  constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kLeast[length] || value > 0x10FFFF || surrogate) return {};
  return {value, length, true};
}

using Range = std::pair<char32_t, char32_t>;

bool is_in(char32_t value, std::span<const Range> ranges) noexcept {
  return std::any_of(ranges.begin(), ranges.end(), [value](const Range& range) {
    return value >= range.first && value <= range.second;
  });
}

// The blocks of Unicode's EastAsianWidth.txt (W and F) and of its combining marks that text in
// practice contains. An exact table would be as large as this program.
constexpr auto kWide = std::to_array<Range>({
    {0x1100, 0x115F},
    {0x2E80, 0x303E},
    {0x3041, 0xA4CF},
    {0xA960, 0xA97F},
    {0xAC00, 0xD7A3},
    {0xF900, 0xFAFF},
    {0xFE30, 0xFE6F},
    {0xFF00, 0xFF60},
    {0xFFE0, 0xFFE6},
    {0x1F300, 0x1F64F},
    {0x1F680, 0x1F6FF},
    {0x1F900, 0x1FAFF},
    {0x20000, 0x3FFFD},
});
constexpr auto kZeroWidth = std::to_array<Range>({
    {0x0300, 0x036F},
    {0x0483, 0x0489},
    {0x0591, 0x05BD},
    {0x0610, 0x061A},
    {0x064B, 0x065F},
    {0x1AB0, 0x1AFF},
    {0x1DC0, 0x1DFF},
    {0x200B, 0x200F},
    {0x202A, 0x202E},
    {0x2060, 0x2064},
    {0x2066, 0x2069},
    {0x20D0, 0x20FF},
    {0xFE00, 0xFE0F},
    {0xFEFF, 0xFEFF},
});

std::size_t width_of(char32_t value) noexcept {
  if (value < 0x300) return 1;
  return is_in(value, kZeroWidth) ? 0 : is_in(value, kWide) ? 2 : 1;
}

// U+202A to U+202E and U+2066 to U+2069 turn the direction of what follows and can so make a text
// look like another one.
bool is_harmful(char32_t value) noexcept {
  return value < 0x20 || (value >= 0x7F && value < 0xA0) || (value >= 0x202A && value <= 0x202E) ||
         (value >= 0x2066 && value <= 0x2069);
}

std::string escaped(char32_t value) {
  switch (value) {
    case U'\n':
      return "\\n";
    case U'\r':
      return "\\r";
    case U'\t':
      return "\\t";
    default:
      return value <= 0xFF ? fmt::format("\\x{:02x}", static_cast<unsigned>(value))
                           : fmt::format("\\u{:04x}", static_cast<unsigned>(value));
  }
}

// One code point as it is shown.
std::string shown(std::string_view text, const CodePoint& code, bool lines) {
  if (!code.valid) return std::string(kReplacement);
  if (is_harmful(code.value) && !(lines && code.value == U'\n')) return escaped(code.value);
  return std::string(text.substr(0, code.bytes));
}

// Insertions, deletions, replacements and swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      const bool same = a[i - 1] == b[j - 1];
      cost[i][j] =
          std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (same ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::size_t display_width(std::string_view text) noexcept {
  std::size_t width = 0;
  while (!text.empty()) {
    const CodePoint code = first_code_point(text);
    width += code.valid ? width_of(code.value) : 1;
    text.remove_prefix(code.bytes);
  }
  return width;
}

std::string printable(std::string_view text, bool lines) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const CodePoint code = first_code_point(text);
    result += shown(text, code, lines);
    text.remove_prefix(code.bytes);
  }
  return result;
}

std::string shortened(std::string_view text, std::size_t columns) {
  std::string result;
  std::size_t width = 0;
  std::size_t room_for_ellipsis = 0;  // Where to cut if what follows does not fit.
  while (!text.empty()) {
    const CodePoint code = first_code_point(text);
    const std::string piece = shown(text, code, false);
    width += display_width(piece);
    if (width > columns) {
      result.resize(room_for_ellipsis);
      result += kEllipsis;
      return result;
    }
    result += piece;
    if (width < columns) room_for_ellipsis = result.size();
    text.remove_prefix(code.bytes);
  }
  return result;
}

std::string dump(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string iso_time(std::chrono::system_clock::time_point time) {
  const auto whole = std::chrono::floor<std::chrono::microseconds>(time);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(whole);
  const std::time_t since_epoch = std::chrono::system_clock::to_time_t(seconds);
  std::tm parts{};
  ::gmtime_r(&since_epoch, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                     (whole - seconds).count());
}

std::string human_bytes(std::int64_t bytes) {
  constexpr auto kUnits = std::to_array<std::string_view>({"KiB", "MiB", "GiB", "TiB"});
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  auto amount = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (amount >= 1024 && unit + 1 < kUnits.size()) {
    amount /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", amount, kUnits[unit]);
}

std::string human_duration(std::chrono::microseconds duration) {
  using std::chrono::duration_cast;
  const auto seconds = static_cast<double>(duration.count()) / 1e6;
  if (duration < std::chrono::milliseconds(1)) return fmt::format("{} us", duration.count());
  if (duration < std::chrono::seconds(1))
    return fmt::format("{} ms", duration_cast<std::chrono::milliseconds>(duration).count());
  if (duration < std::chrono::minutes(1)) return fmt::format("{:.1f} s", seconds);
  const auto minutes = duration_cast<std::chrono::minutes>(duration).count();
  if (minutes < 60)
    return fmt::format("{} min {} s", minutes,
                       duration_cast<std::chrono::seconds>(duration).count() % 60);
  return fmt::format("{} h {} min", minutes / 60, minutes % 60);
}

std::string hex(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string result;
  result.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    result += kDigits[std::to_integer<std::size_t>(byte >> 4)];
    result += kDigits[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
  return result;
}

std::string base64(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  result.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = (group << 8U) | (j < count ? std::to_integer<std::uint32_t>(bytes[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j)
      result += j <= count ? kDigits[(group >> (18U - 6U * j)) & 63U] : '=';
  }
  return result;
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  constexpr std::size_t kLongest = 64;  // A longer word is no misspelt name.
  if (word.size() > kLongest) return {};
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace turnstile::cli
