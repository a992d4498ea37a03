// How the enumerations of jobs and runs are stored: as words, for people who look with SQL.
#pragma once

#include <string>

#include "turnstile/cron.h"
#include "turnstile/value.h"

namespace turnstile {

/// Threads: shared.
template <>
struct Codec<MissedRuns> {
  using Stored = std::string;
  [[nodiscard]] static Stored encode(const MissedRuns& value);
  [[nodiscard]] static MissedRuns decode(const Stored& stored);
};

/// Threads: shared.
template <>
struct Codec<Overlap> {
  using Stored = std::string;
  [[nodiscard]] static Stored encode(const Overlap& value);
  [[nodiscard]] static Overlap decode(const Stored& stored);
};

/// Threads: shared.
template <>
struct Codec<CronStatus> {
  using Stored = std::string;
  [[nodiscard]] static Stored encode(const CronStatus& value);
  [[nodiscard]] static CronStatus decode(const Stored& stored);
};

}  // namespace turnstile
