#include "turnstile/cron_expression.h"

#include <utility>
#include <variant>

#include "cron/expression/rule.h"
#include "sqlite/call.h"

namespace turnstile {

namespace {

using std::chrono::microseconds;

std::optional<CronExpression::TimePoint> widened(std::optional<cron::Microseconds> time) {
  return time ? std::optional<CronExpression::TimePoint>(*time) : std::nullopt;
}

}  // namespace

CronExpression::CronExpression(std::shared_ptr<const detail::CronRule> rule) noexcept
    : rule_(std::move(rule)) {}

CronExpression CronExpression::parse(std::string_view text, std::source_location where) {
  Call call;
  call.where = where;
  return CronExpression(
      std::make_shared<const detail::CronRule>(cron::parse_expression(text, call)));
}

const std::string& CronExpression::text() const noexcept {
  return rule_->text;
}

CronExpression::Kind CronExpression::kind() const noexcept {
  if (std::holds_alternative<cron::Interval>(rule_->when)) return Kind::Every;
  return std::holds_alternative<cron::Calendar>(rule_->when) ? Kind::Calendar : Kind::At;
}

CronExpression CronExpression::counted_from(TimePoint origin) const {
  detail::CronRule rule = *rule_;
  if (auto* interval = std::get_if<cron::Interval>(&rule.when))
    interval->origin = std::chrono::floor<microseconds>(origin);
  return CronExpression(std::make_shared<const detail::CronRule>(std::move(rule)));
}

std::optional<CronExpression::TimePoint> CronExpression::next_after(TimePoint time,
                                                                    const TimeZone& zone) const {
  return widened(rule_->next_after(std::chrono::floor<microseconds>(time), zone.rules_.get()));
}

std::optional<CronExpression::TimePoint> CronExpression::previous(TimePoint time,
                                                                  const TimeZone& zone) const {
  return widened(rule_->previous(std::chrono::ceil<microseconds>(time), zone.rules_.get()));
}

std::vector<CronExpression::TimePoint> CronExpression::next(TimePoint time, std::size_t count,
                                                            const TimeZone& zone) const {
  std::vector<TimePoint> times;
  for (auto due = next_after(time, zone); due && times.size() < count; due = next_after(*due, zone))
    times.push_back(*due);
  return times;
}

}  // namespace turnstile
