// One zone's offsets from UTC, read from its file (RFC 9636).
//
// The files are read here because the packaged library for them, date 3.0.1, passes over the rule
// at their end: it knows no summer time after 2037, and none at all in files that list no
// transitions beforehand, which is what zic makes unless told otherwise (decision 21).
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "cron/zone/posix_rule.h"

namespace turnstile::detail {

/// Threads: immutable.
class ZoneRules {
 public:
  /// Reads the file of the zone. Throws MisuseError (CRON_ZONE_UNKNOWN).
  [[nodiscard]] static std::shared_ptr<const ZoneRules> load(std::string_view name,
                                                             std::source_location where);

  /// What a file says, or nothing when it is no zone's file.
  [[nodiscard]] static std::optional<ZoneRules> parse(std::string name, std::string_view file);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] cron::ZonePeriod period_at(std::chrono::sys_seconds time) const;

 private:
  struct Transition {
    std::chrono::sys_seconds at;
    std::chrono::seconds offset;  // From then on.
  };

  std::string name_;
  std::chrono::seconds first_offset_{0};
  std::vector<Transition> transitions_;
  std::optional<cron::PosixRule> after_last_;
};

}  // namespace turnstile::detail

namespace turnstile::cron {

/// As ZoneRules::period_at(); null is UTC.
[[nodiscard]] ZonePeriod period_at(const detail::ZoneRules* zone, std::chrono::sys_seconds time);

/// The first moment at which the zone's clock shows `local` or a later time: right after the gap
/// for a time that it leaves out, the first of two for one that it shows twice.
[[nodiscard]] std::chrono::sys_seconds first_moment(const detail::ZoneRules* zone,
                                                    std::chrono::local_seconds local);

/// The latest time that the zone's clock has shown up to `time`: what it shows then, or in a
/// repeated hour what it showed before it was set back.
[[nodiscard]] std::chrono::local_seconds latest_shown(const detail::ZoneRules* zone,
                                                      std::chrono::sys_seconds time);

}  // namespace turnstile::cron
