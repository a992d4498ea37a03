#include "cron/expression/field_parser.h"

#include <optional>
#include <string>

#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::cron {

namespace {

constexpr auto kMonths = std::to_array<std::string_view>(
    {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"});
constexpr auto kWeekdays =
    std::to_array<std::string_view>({"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"});
constexpr unsigned kLastWeekday = 6;
constexpr unsigned kSundayToo = 7;

using Extras = FieldKind::Extras;

constexpr std::array<FieldKind, 6> kFields{{
    {"second",
     0,
     59,
     {},
     Extras::None,
     "A second is 0 to 59; also *, lists 0,30, ranges 0-10 and steps */15."},
    {"minute",
     0,
     59,
     {},
     Extras::None,
     "A minute is 0 to 59; also *, lists 0,30, ranges 0-10 and steps */15."},
    {"hour",
     0,
     23,
     {},
     Extras::None,
     "An hour is 0 to 23; also *, lists 8,20, ranges 9-17 and steps */2."},
    {"day of month",
     1,
     31,
     {},
     Extras::DayOfMonth,
     "A day of the month is 1 to 31, L (the last), L-3, 15W (the nearest working day) or LW; also "
     "*, ?, lists 1,15, ranges 1-7 and steps */2."},
    {"month", 1, 12, kMonths, Extras::None,
     "A month is 1 to 12 or JAN to DEC; also *, lists 1,7, ranges JAN-MAR and steps */3."},
    {"day of week", 0, kSundayToo, kWeekdays, Extras::DayOfWeek,
     "A day of the week is 0 to 7 (Sunday is 0 and 7) or SUN to SAT, FRIL (the last in the month) "
     "or FRI#2 (the second); also *, ?, lists MON,WED, ranges MON-FRI and steps */2."},
}};

constexpr char upper_case(char c) noexcept {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

constexpr std::uint64_t flag(unsigned position) noexcept {
  return std::uint64_t{1} << position;
}

/// Reads a list from left to right. Threads: confined.
class FieldParser {
 public:
  FieldParser(const FieldKind& kind, const Word& word, DaySet& days, const Call& call)
      : kind_(kind), word_(word), text_(word.text()), days_(days), call_(call) {}

  std::uint64_t parse() {
    if (text_ == "?" && kind_.extras != Extras::None) return range(kind_.least, last(), 1);
    do {
      item_ = at_;
      item();
      if (at_ < text_.size() && text_[at_] != ',') fail("is not understood from there on", at_);
    } while (take(','));
    if (kind_.extras == Extras::DayOfWeek && (set_ & flag(kSundayToo)) != 0)
      set_ = (set_ & ~flag(kSundayToo)) | flag(0);
    return set_;
  }

 private:
  // The last value that `*` and `5/2` stand for: Sunday is not meant twice.
  [[nodiscard]] unsigned last() const noexcept {
    return kind_.extras == Extras::DayOfWeek ? kLastWeekday : kind_.most;
  }

  void item() {
    if (take('*')) {
      set_ |= range(kind_.least, last(), step());
      return;
    }
    if (kind_.extras == Extras::DayOfMonth && take('L')) {
      last_day();
      return;
    }
    const unsigned from = value();
    if (named_day(from)) return;
    unsigned to = from;
    if (take('-')) {
      to = value();
      if (kind_.extras == Extras::DayOfWeek && to == 0 && from > 0) to = kSundayToo;
      if (to < from) fail("goes backwards");
    } else if (at_ < text_.size() && text_[at_] == '/') {
      to = std::max(last(), from);
    }
    set_ |= range(from, to, step());
  }

  // What may follow `L`.
  void last_day() {
    if (take('W')) {
      days_.last_working = true;
    } else if (take('-')) {
      const unsigned before = number();
      if (before < 1 || before > 30) fail("is not from L-1 to L-30");
      days_.from_last |= static_cast<std::uint32_t>(flag(before));
    } else {
      days_.from_last |= 1U;
    }
  }

  // `15W`, `5L`, `5#2`
  bool named_day(unsigned value) {
    const unsigned weekday = value % kSundayToo;
    if (kind_.extras == Extras::DayOfMonth && take('W')) {
      days_.nearest |= static_cast<std::uint32_t>(flag(value));
      return true;
    }
    if (kind_.extras != Extras::DayOfWeek) return false;
    if (take('L')) {
      days_.last_weekdays |= static_cast<std::uint8_t>(flag(weekday));
      return true;
    }
    if (!take('#')) return false;
    const unsigned nth = number();
    if (nth < 1 || nth > 5) fail("is not from #1 to #5");
    days_.nth_weekdays |= flag(8 * nth + weekday);
    return true;
  }

  unsigned step() {
    if (!take('/')) return 1;
    const unsigned step = number();
    if (step == 0) fail("has a step of nothing");
    if (step > last() - kind_.least) fail("has a step that leaves the field; @every may be meant");
    return step;
  }

  std::uint64_t range(unsigned from, unsigned to, unsigned step) noexcept {
    std::uint64_t set = 0;
    for (unsigned value = from; value <= to; value += step)
      set |= flag(value);
    return set;
  }

  unsigned value() {
    if (const auto named = name()) return *named;
    const unsigned value = number();
    if (value < kind_.least || value > kind_.most)
      fail("is not from " + std::to_string(kind_.least) + " to " + std::to_string(kind_.most));
    return value;
  }

  std::optional<unsigned> name() {
    for (std::size_t i = 0; i < kind_.names.size(); ++i) {
      const std::string_view name = kind_.names[i];
      std::size_t same = 0;
      while (same < name.size() && at_ + same < text_.size() &&
             upper_case(text_[at_ + same]) == name[same])
        ++same;
      if (same < name.size()) continue;
      at_ += same;
      return kind_.least + static_cast<unsigned>(i);
    }
    return std::nullopt;
  }

  unsigned number() {
    constexpr unsigned kTooMuch = 10'000;
    const std::size_t begin = at_;
    unsigned value = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_)
      value = std::min(value * 10 + static_cast<unsigned>(text_[at_] - '0'), kTooMuch);
    if (at_ == begin) fail(begin == text_.size() ? "ends too early" : "is not understood", begin);
    return value;
  }

  bool take(char c) noexcept {
    if (at_ == text_.size() || upper_case(text_[at_]) != c) return false;
    ++at_;
    return true;
  }

  // About what begins at `from`, or about the item that is being read; about the whole field when
  // it ends there.
  [[noreturn]] void fail(std::string_view why, std::optional<std::size_t> from = std::nullopt) {
    std::size_t begin = from.value_or(item_);
    std::size_t end = std::min(text_.find(',', begin + 1), text_.size());
    if (begin == text_.size()) {
      begin = 0;
      end = text_.size();
    }
    raise_bad_field(kind_, {word_.expression, word_.at + begin, end - begin}, why, call_);
  }

  const FieldKind& kind_;
  const Word& word_;
  const std::string_view text_;
  DaySet& days_;
  const Call& call_;
  std::size_t at_ = 0;
  std::size_t item_ = 0;  // Where the item begins.
  std::uint64_t set_ = 0;
};

}  // namespace

const std::array<FieldKind, 6>& field_kinds() noexcept {
  return kFields;
}

std::uint64_t parse_field(const FieldKind& kind, const Word& word, DaySet& days, const Call& call) {
  return FieldParser(kind, word, days, call).parse();
}

void raise_bad_field(const FieldKind& kind, const Word& part, std::string_view why,
                     const Call& call) {
  std::string message(kind.name);
  message += " '" + std::string(part.text()) + "' at character " + std::to_string(part.at + 1) +
             " of '" + std::string(part.expression) + "' " + std::string(why);
  sqlite::raise_misuse(code("CRON_EXPRESSION_INVALID"), std::move(message), call,
                       std::string(kind.allowed));
}

}  // namespace turnstile::cron
