#include "audit/times.h"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace turnstile::audit {

namespace {

using std::chrono::microseconds;

/// Appends a number with zeros in front.
void append_number(std::string& text, std::int64_t number, std::size_t digits) {
  const std::string plain = std::to_string(number);
  text.append(digits - plain.size(), '0').append(plain);
}

/// Takes a number of so many digits and then `end` from the beginning of `text`.
bool take_number(std::string_view& text, std::size_t digits, std::string_view end, int& number) {
  if (text.size() < digits || text.front() == '-') return false;
  const char* const last = text.data() + digits;
  const auto [stopped, error] = std::from_chars(text.data(), last, number);
  if (error != std::errc() || stopped != last) return false;
  text.remove_prefix(digits);
  if (!text.starts_with(end)) return false;
  text.remove_prefix(end.size());
  return true;
}

/// What is left behind the seconds.
std::optional<microseconds> parse_fraction(std::string_view text) {
  if (text == "Z") return microseconds(0);
  if (text.size() < 3 || text.size() > 8 || text.front() != '.') return std::nullopt;
  const std::size_t digits = text.size() - 2;
  text.remove_prefix(1);
  int number = 0;
  if (!take_number(text, digits, "Z", number)) return std::nullopt;
  for (std::size_t i = digits; i < 6; ++i)
    number *= 10;
  return microseconds(number);
}

}  // namespace

std::int64_t to_microseconds(std::chrono::system_clock::time_point time) noexcept {
  return std::chrono::floor<microseconds>(time.time_since_epoch()).count();
}

std::chrono::system_clock::time_point from_microseconds(std::int64_t count) noexcept {
  constexpr microseconds kBefore = kEarliest.time_since_epoch() - std::chrono::days(1);
  constexpr microseconds kAfter = kLatest.time_since_epoch() + std::chrono::days(1);
  return std::chrono::system_clock::time_point(std::clamp(microseconds(count), kBefore, kAfter));
}

std::string iso_time(std::chrono::system_clock::time_point time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<microseconds>(time - day));
  std::string text;
  append_number(text, static_cast<int>(date.year()), 4);
  append_number(text += '-', static_cast<unsigned>(date.month()), 2);
  append_number(text += '-', static_cast<unsigned>(date.day()), 2);
  append_number(text += 'T', clock.hours().count(), 2);
  append_number(text += ':', clock.minutes().count(), 2);
  append_number(text += ':', clock.seconds().count(), 2);
  append_number(text += '.', clock.subseconds().count(), 6);
  return text += 'Z';
}

std::optional<std::chrono::system_clock::time_point> parse_iso_time(
    std::string_view text) noexcept {
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  const bool well_formed = take_number(text, 4, "-", year) && take_number(text, 2, "-", month) &&
                           take_number(text, 2, "T", day) && take_number(text, 2, ":", hour) &&
                           take_number(text, 2, ":", minute) && take_number(text, 2, "", second);
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!well_formed || !date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const std::chrono::sys_days on(date);
  if (on < kEarliest || on >= kLatest) return std::nullopt;
  const auto fraction = parse_fraction(text);
  if (!fraction) return std::nullopt;
  return on + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second) + *fraction;
}

}  // namespace turnstile::audit
