#include "cron/job/codecs.h"

#include <array>
#include <initializer_list>
#include <string_view>

#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile {

namespace {

// The tables allow no other words.
template <class E>
E from_word(std::initializer_list<E> values, const std::string& word) {
  for (const E value : values)
    if (to_string(value) == word) return value;
  sqlite::raise_misuse(code("COLUMN_RANGE"), "'" + word + "' is no word of the cron tables");
}

}  // namespace

std::string_view to_string(MissedRuns missed) noexcept {
  switch (missed) {
    case MissedRuns::Skip:
      return "skip";
    case MissedRuns::Once:
      return "once";
    case MissedRuns::All:
      break;
  }
  return "all";
}

std::string_view to_string(Overlap overlap) noexcept {
  switch (overlap) {
    case Overlap::Skip:
      return "skip";
    case Overlap::Allow:
      return "allow";
    case Overlap::Queue:
      break;
  }
  return "queue";
}

std::string_view to_string(CronStatus status) noexcept {
  switch (status) {
    case CronStatus::Queued:
      return "queued";
    case CronStatus::Running:
      return "running";
    case CronStatus::Done:
      return "done";
    case CronStatus::Failed:
      return "failed";
    case CronStatus::TimedOut:
      return "timed_out";
    case CronStatus::Interrupted:
      return "interrupted";
    case CronStatus::Skipped:
      return "skipped";
    case CronStatus::Cancelled:
      break;
  }
  return "cancelled";
}

std::string Codec<MissedRuns>::encode(const MissedRuns& value) {
  return std::string(to_string(value));
}
MissedRuns Codec<MissedRuns>::decode(const std::string& stored) {
  return from_word({MissedRuns::Skip, MissedRuns::Once, MissedRuns::All}, stored);
}

std::string Codec<Overlap>::encode(const Overlap& value) {
  return std::string(to_string(value));
}
Overlap Codec<Overlap>::decode(const std::string& stored) {
  return from_word({Overlap::Skip, Overlap::Allow, Overlap::Queue}, stored);
}

std::string Codec<CronStatus>::encode(const CronStatus& value) {
  return std::string(to_string(value));
}
CronStatus Codec<CronStatus>::decode(const std::string& stored) {
  using enum CronStatus;
  return from_word({Queued, Running, Done, Failed, TimedOut, Interrupted, Skipped, Cancelled},
                   stored);
}

}  // namespace turnstile
