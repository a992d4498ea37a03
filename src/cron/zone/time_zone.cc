#include "turnstile/time_zone.h"

#include <utility>

#include "cron/zone/written_time.h"
#include "cron/zone/zone_rules.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile {

using std::chrono::microseconds;
using std::chrono::seconds;

TimeZone::TimeZone(std::shared_ptr<const detail::ZoneRules> rules) noexcept
    : rules_(std::move(rules)) {}

TimeZone TimeZone::find(std::string_view name, std::source_location where) {
  if (name == "UTC") return {};
  return TimeZone(detail::ZoneRules::load(name, where));
}

std::string_view TimeZone::name() const noexcept {
  return rules_ == nullptr ? "UTC" : std::string_view(rules_->name());
}

seconds TimeZone::offset_at(TimePoint time) const {
  return cron::period_at(rules_.get(), std::chrono::floor<seconds>(time)).offset;
}

std::string TimeZone::format(TimePoint time) const {
  return cron::write_time(std::chrono::floor<microseconds>(time), offset_at(time));
}

TimeZone::TimePoint TimeZone::parse(std::string_view text, std::source_location where) const {
  if (const auto written = cron::WrittenTime::parse(text)) return written->in(rules_.get());
  Call call;
  call.where = where;
  sqlite::raise_misuse(code("CRON_TIME_INVALID"),
                       "'" + std::string(text) + "' is not a time of the years 1970 to 2199", call);
}

}  // namespace turnstile
