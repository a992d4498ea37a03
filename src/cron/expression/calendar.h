// Which times of a local clock fit a calendar expression. It knows neither text nor time zones.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace turnstile::cron {

/// The days that an expression names. Bit n of a set stands for n.
///
/// Threads: immutable.
struct DaySet {
  std::uint32_t of_month = 0;      ///< 1 to 31.
  std::uint32_t from_last = 0;     ///< 0 is the last day of the month, 3 the third before it.
  std::uint32_t nearest = 0;       ///< Of a day from 1 to 31: the working day nearest to it.
  bool last_working = false;       ///< The last working day of the month.
  std::uint8_t weekdays = 0;       ///< 0 is Sunday.
  std::uint8_t last_weekdays = 0;  ///< The last of their kind in the month.
  std::uint64_t nth_weekdays = 0;  ///< Bit 8 * n + weekday: the n-th of them, 1 to 5.

  /// The fields of day of month and of day of week have both to fit; else one is enough.
  bool both = true;

  /// The days of a month that fit, as a set.
  [[nodiscard]] std::uint32_t in_month(unsigned length, unsigned first_weekday) const noexcept;
};

/// Threads: immutable.
struct Calendar {
  std::uint64_t seconds = 0;
  std::uint64_t minutes = 0;
  std::uint32_t hours = 0;
  std::uint32_t months = 0;
  DaySet days;

  [[nodiscard]] bool is_due_every_hour() const noexcept;

  /// Whether any month of any year has a day that fits.
  [[nodiscard]] bool is_ever_due() const noexcept;

  /// The first time at or after `time` that fits, the last one at or before it; empty outside the
  /// years of kFirstYear and kLastYear.
  [[nodiscard]] std::optional<std::chrono::local_seconds> first_from(
      std::chrono::local_seconds time) const;
  [[nodiscard]] std::optional<std::chrono::local_seconds> last_until(
      std::chrono::local_seconds time) const;
};

}  // namespace turnstile::cron
