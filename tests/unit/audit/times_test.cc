#include "audit/times.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <random>

#include "support/test_seed.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;
using Time = std::chrono::system_clock::time_point;

TEST(AuditTimes, AreWrittenInIso8601) {
  EXPECT_EQ(audit::iso_time(Time(1'772'366'400'000'001us)), "2026-03-01T12:00:00.000001Z");
  EXPECT_EQ(audit::iso_time(Time(-1us)), "1969-12-31T23:59:59.999999Z");
}

TEST(AuditTimes, AreReadWithAndWithoutAFraction) {
  EXPECT_EQ(audit::parse_iso_time("2026-03-01T12:00:00.000001Z"), Time(1'772'366'400'000'001us));
  EXPECT_EQ(audit::parse_iso_time("2026-03-01T12:00:00Z"), Time(1'772'366'400s));
  EXPECT_EQ(audit::parse_iso_time("2026-03-01T12:00:00.5Z"), Time(1'772'366'400'500'000us));
}

TEST(AuditTimes, AreNotReadFromAnythingElse) {
  for (const char* text :
       {"", "2026", "2026-03-01", "2026-03-01T12:00:00", "2026-03-01 12:00:00Z",
        "2026-02-30T12:00:00Z", "2026-03-01T24:00:00Z", "2026-03-01T12:60:00Z",
        "2026-03-01T12:00:60Z", "2026-13-01T12:00:00Z", "2026-03-01T12:00:00.Z",
        "2026-03-01T12:00:00.1234567Z", "2026-03-01T12:00:00.1x", "-026-03-01T12:00:00Z",
        "2026-03-01T12:00:00ZZ", "1699-12-31T23:59:59Z", "2200-01-01T00:00:00Z"})
    EXPECT_FALSE(audit::parse_iso_time(text)) << text;
}

TEST(AuditTimes, AreReadBackAsTheyWereWritten) {
  std::mt19937_64 random(test_seed());
  std::uniform_int_distribution<std::int64_t> any(
      microseconds(audit::kEarliest.time_since_epoch()).count(),
      microseconds(audit::kLatest.time_since_epoch()).count() - 1);
  for (int i = 0; i < 10'000; ++i) {
    const Time time{microseconds(any(random))};
    ASSERT_EQ(audit::parse_iso_time(audit::iso_time(time)), time) << audit::iso_time(time);
    ASSERT_EQ(audit::from_microseconds(audit::to_microseconds(time)), time);
  }
}

TEST(AuditTimes, ThatNobodyCanMeanStayOutOfTheRange) {
  EXPECT_GE(audit::from_microseconds(std::numeric_limits<std::int64_t>::max()), audit::kLatest);
  EXPECT_LT(audit::from_microseconds(std::numeric_limits<std::int64_t>::min()), audit::kEarliest);
}

}  // namespace
}  // namespace turnstile::test
