// One field of a calendar expression.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "cron/expression/calendar.h"
#include "sqlite/call.h"

namespace turnstile::cron {

/// What a field may have in it. Threads: immutable.
struct FieldKind {
  enum class Extras { None, DayOfMonth, DayOfWeek };

  std::string_view name;
  unsigned least;
  unsigned most;
  std::span<const std::string_view> names;  ///< Of the values from `least` on.
  Extras extras;
  std::string_view allowed;  ///< A sentence for who has written something else.
};

/// Second, minute, hour, day of month, month, day of week.
[[nodiscard]] const std::array<FieldKind, 6>& field_kinds() noexcept;

/// A word of an expression, and where it is. Threads: scoped.
struct Word {
  std::string_view expression;
  std::size_t at = 0;
  std::size_t size = 0;

  [[nodiscard]] std::string_view text() const noexcept { return expression.substr(at, size); }
};

/// The values that a field names, as bits; those that a plain set cannot say go into `days`. Throws
/// MisuseError (CRON_EXPRESSION_INVALID).
[[nodiscard]] std::uint64_t parse_field(const FieldKind& kind, const Word& word, DaySet& days,
                                        const Call& call);

/// Throws it: `minute '61' at character 1 of '61 * * * *' is not from 0 to 59`.
[[noreturn]] void raise_bad_field(const FieldKind& kind, const Word& part, std::string_view why,
                                  const Call& call);

}  // namespace turnstile::cron
