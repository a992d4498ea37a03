#include "cron/zone/written_time.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>

namespace turnstile::cron {

namespace {

using std::chrono::days;
using std::chrono::microseconds;
using std::chrono::seconds;

/// Reads from left to right; every function is false, or empty, when the text is something else.
///
/// Threads: confined.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take_one_of(std::string_view characters) {
    for (const char c : characters)
      if (take(c)) return true;
    return false;
  }

  // Exactly so many digits, up to `most`.
  std::optional<unsigned> digits(std::size_t count, unsigned most) {
    if (rest_.size() < count) return std::nullopt;
    unsigned value = 0;
    for (const char c : rest_.substr(0, count)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + static_cast<unsigned>(c - '0');
    }
    if (value > most) return std::nullopt;
    rest_.remove_prefix(count);
    return value;
  }

  std::optional<std::chrono::local_days> date() {
    namespace chrono = std::chrono;
    const auto year = digits(4, 9999);
    const auto month = year && take('-') ? digits(2, 12) : std::nullopt;
    const auto day = month && take('-') ? digits(2, 31) : std::nullopt;
    if (!day) return std::nullopt;
    const chrono::year_month_day date{chrono::year(static_cast<int>(*year)), chrono::month(*month),
                                      chrono::day(*day)};
    if (!date.ok() || date.year() < kFirstYear || date.year() > kLastYear) return std::nullopt;
    return chrono::local_days(date);
  }

  // `12:00`, `12:00:30`, `12:00:30.5`
  std::optional<microseconds> time_of_day() {
    const auto hour = digits(2, 23);
    const auto minute = hour && take(':') ? digits(2, 59) : std::nullopt;
    if (!minute) return std::nullopt;
    microseconds time = std::chrono::hours(*hour) + std::chrono::minutes(*minute);
    if (!take(':')) return time;
    const auto second = digits(2, 59);
    if (!second) return std::nullopt;
    time += seconds(*second);
    if (!take('.')) return time;
    microseconds place = seconds(1);
    std::size_t count = 0;
    for (; const auto digit = digits(1, 9); ++count) {
      place /= 10;
      time += *digit * place;
    }
    return count > 0 && count <= 6 ? std::optional(time) : std::nullopt;
  }

  // `Z`, `+01:00`, `-0330`
  std::optional<seconds> offset() {
    if (take('Z')) return seconds(0);
    const bool west = rest_.starts_with('-');
    if (!take_one_of("+-")) return std::nullopt;
    const auto hours = digits(2, 23);
    if (!hours) return std::nullopt;
    (void)take(':');
    const auto minutes = digits(2, 59);
    if (!minutes) return std::nullopt;
    const seconds east = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
    return west ? -east : east;
  }

 private:
  std::string_view rest_;
};

}  // namespace

std::optional<WrittenTime> WrittenTime::parse(std::string_view text) {
  Reader reader(text);
  const auto date = reader.date();
  if (!date) return std::nullopt;
  WrittenTime written{.local = *date, .offset = std::nullopt};
  if (reader.at_end()) return written;
  if (!reader.take_one_of("T ")) return std::nullopt;
  const auto time = reader.time_of_day();
  if (!time) return std::nullopt;
  written.local += *time;
  if (reader.at_end()) return written;
  written.offset = reader.offset();
  return written.offset && reader.at_end() ? std::optional(written) : std::nullopt;
}

std::chrono::sys_time<microseconds> WrittenTime::in(const detail::ZoneRules* zone) const {
  using std::chrono::sys_time;
  if (offset) return sys_time<microseconds>(local.time_since_epoch() - *offset);
  const auto second = std::chrono::floor<seconds>(local);
  const std::chrono::sys_seconds moment = first_moment(zone, second);
  const bool in_gap = moment + period_at(zone, moment).offset !=
                      std::chrono::sys_seconds(second.time_since_epoch());
  return in_gap ? sys_time<microseconds>(moment) : moment + (local - second);
}

std::string write_time(std::chrono::sys_time<microseconds> time, seconds offset) {
  const auto local = time + offset;
  const auto day = std::chrono::floor<days>(local);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(local - day);
  const auto number = [](auto value) { return static_cast<long long>(value); };
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02lld:%02lld:%02lld",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), number(clock.hours().count()),
                number(clock.minutes().count()), number(clock.seconds().count()));
  std::string result = text.data();
  if (clock.subseconds() != microseconds(0)) {
    std::snprintf(text.data(), text.size(), ".%06lld", number(clock.subseconds().count()));
    result += text.data();
  }
  // Offsets of before about 1920 have seconds, which ISO 8601 does not know.
  const auto minutes = std::chrono::round<std::chrono::minutes>(offset).count();
  std::snprintf(text.data(), text.size(), "%c%02lld:%02lld", minutes < 0 ? '-' : '+',
                number(std::abs(minutes) / 60), number(std::abs(minutes) % 60));
  return result + text.data();
}

}  // namespace turnstile::cron
