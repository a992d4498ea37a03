// The text of an expression: which form it has, and its fields.
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "cron/expression/field_parser.h"
#include "cron/expression/rule.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::cron {

namespace {

using std::chrono::milliseconds;

constexpr std::string_view kBlanks = " \t";
constexpr std::size_t kLongest = 250;
constexpr milliseconds kShortestInterval{100};
constexpr milliseconds kLongestInterval = std::chrono::hours(24) * 3660;

constexpr auto kMacros = std::to_array<std::pair<std::string_view, std::string_view>>({
    {"@annually", "0 0 1 1 *"},
    {"@daily", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
    {"@midnight", "0 0 * * *"},
    {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"},
    {"@yearly", "0 0 1 1 *"},
});

[[noreturn]] void fail(std::string message, const Call& call, std::string hint = {}) {
  sqlite::raise_misuse(code("CRON_EXPRESSION_INVALID"), std::move(message), call, std::move(hint));
}

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

std::string_view without_blanks_around(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::vector<Word> words_of(std::string_view expression) {
  std::vector<Word> words;
  for (std::size_t at = 0; at < expression.size();) {
    const std::size_t end = std::min(expression.find_first_of(kBlanks, at), expression.size());
    words.push_back({expression, at, end - at});
    at = std::min(expression.find_first_not_of(kBlanks, end), expression.size());
  }
  return words;
}

bool has_star(const Word& word) noexcept {
  return word.text().find_first_of("*?") != std::string_view::npos;
}

Calendar parse_calendar(std::string_view text, const Call& call) {
  std::vector<Word> words = words_of(text);
  if (words.size() != 5 && words.size() != 6)
    fail(quoted(text) + " has " + std::to_string(words.size()) +
             " fields, and a schedule has five, or six with seconds in front",
         call);
  if (words.size() == 5) words.insert(words.begin(), Word{"0", 0, 1});

  Calendar calendar;
  std::array<std::uint64_t, 6> sets{};
  for (std::size_t i = 0; i < sets.size(); ++i)
    sets.at(i) = parse_field(field_kinds().at(i), words[i], calendar.days, call);
  calendar.seconds = sets[0];
  calendar.minutes = sets[1];
  calendar.hours = static_cast<std::uint32_t>(sets[2]);
  calendar.days.of_month = static_cast<std::uint32_t>(sets[3]);
  calendar.months = static_cast<std::uint32_t>(sets[4]);
  calendar.days.weekdays = static_cast<std::uint8_t>(sets[5]);
  calendar.days.both = has_star(words[3]) || has_star(words[5]);
  if (!calendar.is_ever_due())
    sqlite::raise_misuse(
        code("CRON_NEVER_DUE"),
        quoted(text) + " is never due: no " + (words[4].text() == "*" ? "month" : "such month") +
            " has a day that fits the day of month '" + std::string(words[3].text()) +
            "' and the day of week '" + std::string(words[5].text()) + "'",
        call);
  return calendar;
}

// The number at the front of `text`, which is taken off.
std::optional<std::int64_t> take_number(std::string_view& text) {
  constexpr std::size_t kDigits = 12;
  const std::size_t length = std::min(text.find_first_not_of("0123456789"), text.size());
  if (length == 0 || length > kDigits) return std::nullopt;
  const std::int64_t number = std::stoll(std::string(text.substr(0, length)));
  text.remove_prefix(length);
  return number;
}

std::optional<milliseconds> parse_interval(std::string_view text) {
  using std::chrono::duration_cast;
  constexpr auto kUnits = std::to_array<std::pair<std::string_view, milliseconds>>({
      {"ms", milliseconds(1)},
      {"s", std::chrono::seconds(1)},
      {"m", std::chrono::minutes(1)},
      {"h", std::chrono::hours(1)},
      {"d", std::chrono::hours(24)},
  });
  milliseconds sum{0};
  do {
    const auto number = take_number(text);
    const auto* const unit = std::find_if(kUnits.begin(), kUnits.end(), [&](const auto& entry) {
      return text.starts_with(entry.first);
    });
    if (!number || unit == kUnits.end() || *number > kLongestInterval / unit->second)
      return std::nullopt;
    sum += *number * unit->second;
    text.remove_prefix(unit->first.size());
  } while (!text.empty());
  return sum >= kShortestInterval && sum <= kLongestInterval ? std::optional(sum) : std::nullopt;
}

// `@every 90s` is ("@every", "90s").
std::pair<std::string_view, std::string_view> split(std::string_view text) {
  const std::size_t blank = std::min(text.find_first_of(kBlanks), text.size());
  return {text.substr(0, blank), without_blanks_around(text.substr(blank))};
}

detail::CronRule parse_named(std::string_view text, const Call& call) {
  const auto [name, argument] = split(text);
  if (name == "@every") {
    if (const auto period = parse_interval(argument))
      return {std::string(text), Interval{.period = *period, .origin = {}}};
    fail(quoted(argument) + " in " + quoted(text) + " is not an interval from 100ms to ten years",
         call, "Write it as 90s, 1h30m or 2d; the units are d, h, m, s and ms.");
  }
  if (name == "@at") {
    if (const auto time = WrittenTime::parse(argument)) return {std::string(text), *time};
    fail(quoted(argument) + " in " + quoted(text) + " is not a time of the years 1970 to 2199",
         call, "Write it as 2026-03-01T12:00:00Z, or 2026-03-01 12:00 by the clock of the zone.");
  }
  const auto* const macro = std::find_if(kMacros.begin(), kMacros.end(),
                                         [&](const auto& entry) { return entry.first == text; });
  if (macro != kMacros.end()) return {std::string(text), parse_calendar(macro->second, call)};
  fail(
      quoted(text) + " is not a known name", call,
      "Known are @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly, @every 90s and "
      "@at 2026-03-01T12:00.");
}

}  // namespace

detail::CronRule parse_expression(std::string_view text, const Call& call) {
  text = without_blanks_around(text);
  if (text.size() > kLongest)
    fail("the schedule has " + std::to_string(text.size()) + " characters, and " +
             std::to_string(kLongest) + " are the most",
         call);
  if (text.starts_with('@')) return parse_named(text, call);
  return {std::string(text), parse_calendar(text, call)};
}

}  // namespace turnstile::cron
