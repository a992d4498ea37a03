#include "cron/zone/posix_rule.h"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace turnstile::cron {

namespace {

using std::chrono::days;
using std::chrono::local_days;
using std::chrono::local_seconds;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::year;
using std::chrono::year_month_day;

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct Transition {
  sys_seconds at;
  seconds offset;
};

}  // namespace

/// Reads from left to right; every function is false, or empty, when the text is something else.
///
/// Threads: confined.
class PosixRuleParser {
 public:
  explicit PosixRuleParser(std::string_view text) : rest_(text) {}

  std::optional<PosixRule> parse() {
    PosixRule rule;
    const auto west = name() ? time() : std::nullopt;
    if (!west) return std::nullopt;
    rule.offset_ = -*west;
    if (rest_.empty()) return rule;

    if (!name()) return std::nullopt;
    PosixRule::Summer summer{
        .offset = rule.offset_ + std::chrono::hours(1), .begin = {}, .end = {}};
    if (!rest_.starts_with(',')) {
      const auto summer_west = time();
      if (!summer_west) return std::nullopt;
      summer.offset = -*summer_west;
    }
    if (!change(summer.begin) || !change(summer.end) || !rest_.empty()) return std::nullopt;
    rule.summer_ = summer;
    return rule;
  }

 private:
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // `CET`, or `<+0330>`.
  bool name() {
    const bool quoted = take('<');
    std::size_t length = 0;
    while (length < rest_.size() && (quoted ? rest_[length] != '>' : is_letter(rest_[length])))
      ++length;
    rest_.remove_prefix(length);
    return length >= 3 && (!quoted || take('>'));
  }

  std::optional<int> number(int least, int most) {
    constexpr std::size_t kDigits = 3;
    int value = 0;
    std::size_t length = 0;
    for (; length < std::min(rest_.size(), kDigits) && is_digit(rest_[length]); ++length)
      value = value * 10 + (rest_[length] - '0');
    if (length == 0 || value < least || value > most) return std::nullopt;
    rest_.remove_prefix(length);
    return value;
  }

  // `[+-]hh[:mm[:ss]]`
  std::optional<seconds> time() {
    constexpr int kHours = 167;
    const bool negative = rest_.starts_with('-');
    if (negative || rest_.starts_with('+')) rest_.remove_prefix(1);
    const auto hours = number(0, kHours);
    if (!hours) return std::nullopt;
    seconds value = std::chrono::hours(*hours);
    for (const seconds unit : {seconds(60), seconds(1)}) {
      if (!take(':')) break;
      const auto part = number(0, 59);
      if (!part) return std::nullopt;
      value += *part * unit;
    }
    return negative ? -value : value;
  }

  // `,M3.5.0/3`
  bool change(PosixRule::Change& change) {
    if (!take(',') || !day(change)) return false;
    if (!take('/')) return true;
    const auto at = time();
    if (at) change.time = *at;
    return at.has_value();
  }

  bool day(PosixRule::Change& change) {
    using Day = PosixRule::Change::Day;
    if (take('M')) {
      const auto month = number(1, 12);
      const auto week = month && take('.') ? number(1, 5) : std::nullopt;
      const auto weekday = week && take('.') ? number(0, 6) : std::nullopt;
      if (!weekday) return false;
      change.kind = Day::Weekday;
      change.month = static_cast<unsigned>(*month);
      change.week = *week;
      change.day = *weekday;
      return true;
    }
    change.kind = take('J') ? Day::Julian : Day::ZeroBased;
    const auto of_year = change.kind == Day::Julian ? number(1, 365) : number(0, 365);
    if (of_year) change.day = *of_year;
    return of_year.has_value();
  }

  std::string_view rest_;
};

std::optional<PosixRule> PosixRule::parse(std::string_view text) {
  return PosixRuleParser(text).parse();
}

local_seconds PosixRule::Change::in(year y) const {
  namespace chrono = std::chrono;
  if (kind == Day::Weekday) {
    const chrono::weekday weekday(static_cast<unsigned>(day));
    const chrono::month_weekday nth(chrono::month(month), weekday[static_cast<unsigned>(week)]);
    const chrono::month_weekday_last last(chrono::month(month), weekday[chrono::last]);
    return (week == 5 ? local_days(y / last) : local_days(y / nth)) + time;
  }
  local_days date = local_days(y / chrono::January / 1) + days(day);
  if (kind == Day::Julian) {
    const bool after_february = y.is_leap() && day >= 60;
    date += days(after_february ? 0 : -1);
  }
  return date + time;
}

ZonePeriod PosixRule::period_at(sys_seconds time) const {
  if (!summer_) return {sys_seconds::min(), sys_seconds::max(), offset_};

  const year now = year_month_day(std::chrono::floor<days>(time)).year();
  std::vector<Transition> transitions;
  for (int i = -2; i <= 2; ++i) {
    const year y = now + std::chrono::years(i);
    const auto instant = [](local_seconds local, seconds offset) {
      return sys_seconds(local.time_since_epoch() - offset);
    };
    transitions.push_back({instant(summer_->end.in(y), summer_->offset), offset_});
    transitions.push_back({instant(summer_->begin.in(y), offset_), summer_->offset});
  }
  // Where summer begins in the second in which it ends, the year is all summer.
  std::stable_sort(transitions.begin(), transitions.end(),
                   [](const auto& a, const auto& b) { return a.at < b.at; });
  const auto next = std::upper_bound(transitions.begin(), transitions.end(), time,
                                     [](sys_seconds t, const auto& entry) { return t < entry.at; });
  return {std::prev(next)->at, next->at, std::prev(next)->offset};
}

}  // namespace turnstile::cron
