// Time zones: what the files say, how times are read and written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <ctime>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "cron/zone/posix_rule.h"
#include "cron/zone/zone_rules.h"
#include "support/child_process.h"
#include "support/environment.h"
#include "support/files.h"
#include "support/temp_dir.h"
#include "support/test_seed.h"
#include "support/thrown.h"
#include "support/zoned.h"
#include "turnstile/error.h"

namespace turnstile::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

std::vector<std::string> zones_of_the_system() {
  const std::filesystem::path root = "/usr/share/zoneinfo";
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    const std::string name = entry.path().lexically_relative(root).string();
    if (entry.is_regular_file() && name.front() >= 'A' && name.front() <= 'Z' &&
        read_file(entry.path()).starts_with("TZif"))
      names.push_back(name);
  }
  return names;
}

// The C library reads the same files by itself.
seconds offset_by_libc(const std::string& zone, TimePoint time) {
  const ScopedVariable tz("TZ", ":" + zone);
  ::tzset();
  const std::time_t t = std::chrono::system_clock::to_time_t(time);
  std::tm local{};
  ::localtime_r(&t, &local);
  return seconds(local.tm_gmtoff);
}

TEST(TimeZone, KnowsUtcWithoutFiles) {
  const ScopedVariable nowhere("TZDIR", "/nonexistent");
  EXPECT_EQ(TimeZone::find("UTC").name(), "UTC");
  EXPECT_EQ(TimeZone().offset_at(at("2026-07-01")), seconds(0));
}

TEST(TimeZone, KnowsSummerTime) {
  const TimeZone berlin = TimeZone::find("Europe/Berlin");
  EXPECT_EQ(berlin.offset_at(at("2026-03-29T00:59:59Z")), hours(1));
  EXPECT_EQ(berlin.offset_at(at("2026-03-29T01:00:00Z")), hours(2));
  EXPECT_EQ(berlin.offset_at(at("2026-10-25T00:59:59Z")), hours(2));
  EXPECT_EQ(berlin.offset_at(at("2026-10-25T01:00:00Z")), hours(1));
}

// The files of Debian list transitions up to 2037; then the rule at their end holds.
TEST(TimeZone, KnowsSummerTimeBeyondTheListedTransitions) {
  EXPECT_EQ(TimeZone::find("Europe/Berlin").offset_at(at("2150-07-01")), hours(2));
  EXPECT_EQ(TimeZone::find("Europe/Berlin").offset_at(at("2150-01-01")), hours(1));
  EXPECT_EQ(TimeZone::find("Australia/Lord_Howe").offset_at(at("2150-01-01")), hours(11));
  EXPECT_EQ(TimeZone::find("Australia/Lord_Howe").offset_at(at("2150-07-01")),
            hours(10) + minutes(30));
}

TEST(TimeZone, AgreesWithTheCLibraryInEveryZone) {
  std::mt19937_64 random(test_seed());
  const std::int64_t first = std::chrono::system_clock::to_time_t(at("1970-01-01"));
  const std::int64_t last = std::chrono::system_clock::to_time_t(at("2199-12-31"));
  std::uniform_int_distribution<std::int64_t> second(first, last);
  const auto zones = zones_of_the_system();
  ASSERT_GT(zones.size(), 300U);
  for (const std::string& name : zones) {
    const TimeZone zone = TimeZone::find(name);
    for (int i = 0; i < 40; ++i) {
      const TimePoint time = std::chrono::system_clock::from_time_t(second(random));
      ASSERT_EQ(zone.offset_at(time), offset_by_libc(name, time)) << name << ' ' << shown(time);
    }
  }
  ::tzset();
}

// zic writes such files unless it is told otherwise, and some systems have no others.
TEST(TimeZone, IsReadFromFilesThatListNoFutureTransitions) {
  const TempDir directory;
  write_file(directory.path() / "source",
             "R E 1981 ma - Mar lastSun 1u 1 S\nR E 1996 ma - Oct lastSun 1u 0 -\n"
             "Z Test/Berlin 1 E CE%sT\n");
  ASSERT_EQ(run_program({"/usr/sbin/zic", "-b", "slim", "-d", directory.path().string(),
                         directory.file("source")})
                .status,
            0);
  const ScopedVariable there("TZDIR", directory.path().string());
  const TimeZone zone = TimeZone::find("Test/Berlin");
  EXPECT_EQ(zone.offset_at(at("2026-07-01")), hours(2));
  EXPECT_EQ(zone.offset_at(at("2026-12-01")), hours(1));
}

TEST(TimeZone, NamesTheZoneThatWasMeant) {
  const auto hint = [](const std::string& name) {
    const auto error = thrown<MisuseError>([&] { (void)TimeZone::find(name); });
    EXPECT_EQ(error.code(), "CRON_ZONE_UNKNOWN");
    EXPECT_THAT(std::string(error.message()), HasSubstr("'" + name + "'"));
    return std::string(error.hint());
  };
  EXPECT_EQ(hint("Europe/Berln"), "Did you mean Europe/Berlin?");
  EXPECT_EQ(hint("europe/berlin"), "Did you mean Europe/Berlin?");
  EXPECT_EQ(hint("new_york"), "Did you mean America/New_York?");
  EXPECT_THAT(hint("Mars/Olympus_Mons"), HasSubstr("tzdata"));
}

TEST(TimeZone, RefusesNamesThatAreNoZones) {
  const TempDir directory;
  write_file(directory.path() / "Text", "no zone");
  const ScopedVariable there("TZDIR", directory.path().string());
  for (const std::string name : {"", "Text", "../Text", "/etc/localtime", ".", "A b", "Text/"})
    EXPECT_EQ(thrown<MisuseError>([&] { (void)TimeZone::find(name); }).code(), "CRON_ZONE_UNKNOWN")
        << name;
}

// No file, however damaged, is read beyond its end or taken for something that it does not say.
TEST(TimeZone, SurvivesDamagedFiles) {
  std::mt19937_64 random(test_seed());
  const std::string good = read_file("/usr/share/zoneinfo/Europe/Berlin");
  ASSERT_TRUE(detail::ZoneRules::parse("Good", good).has_value());
  for (int i = 0; i < 3000; ++i) {
    std::string bad = good.substr(0, random() % 3 == 0 ? random() % good.size() : good.size());
    for (auto changes = random() % 4; changes > 0 && !bad.empty(); --changes)
      bad[random() % bad.size()] = static_cast<char>(random());
    if (const auto rules = detail::ZoneRules::parse("Bad", bad)) {
      const auto period = rules->period_at(std::chrono::sys_days(std::chrono::year(2026) / 7 / 1));
      EXPECT_LE(period.begin, period.end);
      EXPECT_LT(period.offset, hours(24));
    }
  }
  EXPECT_FALSE(detail::ZoneRules::parse("Cut", good.substr(0, good.size() - 1)).has_value());
}

TEST(TimeZone, WritesTimesWithTheirOffset) {
  const TimePoint time = at("2026-03-29T01:00:00.5Z");
  EXPECT_EQ(TimeZone().format(time), "2026-03-29T01:00:00.500000+00:00");
  EXPECT_EQ(TimeZone::find("Europe/Berlin").format(time), "2026-03-29T03:00:00.500000+02:00");
  EXPECT_EQ(TimeZone::find("America/St_Johns").format(at("2026-01-01")),
            "2025-12-31T20:30:00-03:30");
}

TEST(TimeZone, ReadsTimesOfItsClock) {
  const TimeZone berlin = TimeZone::find("Europe/Berlin");
  EXPECT_EQ(berlin.parse("2026-07-01 12:00"), at("2026-07-01T10:00:00Z"));
  EXPECT_EQ(berlin.parse("2026-07-01"), at("2026-06-30T22:00:00Z"));
  EXPECT_EQ(berlin.parse("2026-07-01T12:00:30.25"), at("2026-07-01T10:00:30.25Z"));
}

TEST(TimeZone, ReadsTimesWithAnOffset) {
  const TimeZone berlin = TimeZone::find("Europe/Berlin");
  EXPECT_EQ(berlin.parse("2026-07-01T12:00Z"), at("2026-07-01T12:00"));
  EXPECT_EQ(berlin.parse("2026-07-01T12:00-03:30"), at("2026-07-01T15:30"));
  EXPECT_EQ(berlin.parse("2026-07-01T12:00:00+0100"), at("2026-07-01T11:00"));
}

TEST(TimeZone, TakesTimesThatItsClockLeavesOutAsTheEndOfTheGap) {
  EXPECT_EQ(TimeZone::find("Europe/Berlin").parse("2026-03-29 02:30:00.5"),
            at("2026-03-29T01:00:00Z"));
}

TEST(TimeZone, TakesTimesThatItsClockShowsTwiceAsTheFirst) {
  EXPECT_EQ(TimeZone::find("Europe/Berlin").parse("2026-10-25 02:30:00.5"),
            at("2026-10-25T00:30:00.5Z"));
}

TEST(TimeZone, RefusesOtherTexts) {
  for (const std::string text :
       {"", "today", "2026-02-29", "2026-13-01", "1969-12-31", "2200-01-01", "2026-01-01T",
        "2026-1-1", "2026-01-01T24:00", "2026-01-01T12:00:60", "2026-01-01T12:00:00.",
        "2026-01-01T12:00:00.1234567", "2026-01-01T12:00+1", "2026-01-01T12:00Z ", "2026-01-01Z"})
    EXPECT_EQ(thrown<MisuseError>([&] { (void)TimeZone().parse(text); }).code(),
              "CRON_TIME_INVALID")
        << text;
}

TEST(PosixRule, IsReadInAllItsForms) {
  const auto offset = [](std::string_view rule, std::string_view time) {
    const auto parsed = cron::PosixRule::parse(rule);
    EXPECT_TRUE(parsed.has_value()) << rule;
    return parsed->period_at(std::chrono::floor<seconds>(at(time))).offset;
  };
  EXPECT_EQ(offset("UTC0", "2026-07-01"), seconds(0));
  EXPECT_EQ(offset("<+0330>-3:30", "2026-07-01"), hours(3) + minutes(30));
  EXPECT_EQ(offset("EST5EDT,M3.2.0,M11.1.0", "2026-07-01"), hours(-4));
  EXPECT_EQ(offset("EST5EDT,M3.2.0,M11.1.0", "2026-12-01"), hours(-5));
  // Ireland's winter is the exception to its standard time.
  EXPECT_EQ(offset("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-01"), hours(1));
  EXPECT_EQ(offset("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-12-01"), seconds(0));
  // Greenland's hours before midnight, and a summer that never ends.
  EXPECT_EQ(offset("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-28T23:59:59Z"), hours(-2));
  EXPECT_EQ(offset("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z"), hours(-1));
  EXPECT_EQ(offset("XXX3EDT4,0/0,J365/23", "2026-07-01"), hours(-4));
  EXPECT_EQ(offset("XXX3EDT4,0/0,J365/23", "2026-01-01T04:00:00Z"), hours(-4));
  // Day 60 without 29 February is 1 March; day 59 from 0 is 29 February in leap years.
  EXPECT_EQ(offset("AAA0BBB,J60/0,J300", "2028-02-29T23:59:59Z"), seconds(0));
  EXPECT_EQ(offset("AAA0BBB,J60/0,J300", "2028-03-01T00:00:00Z"), hours(1));
  EXPECT_EQ(offset("AAA0BBB,59/0,300", "2028-02-29T00:00:00Z"), hours(1));
}

TEST(PosixRule, IsNotReadFromOtherTexts) {
  for (const std::string_view text :
       {"", "CET", "C-1", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.5.0,M10.5.7", "CET-1CEST,M3.5.0,M10.5.0/3x", "CET-200", "<CET-1", "CET-1x",
        "CET-1CEST,J0,J365"})
    EXPECT_FALSE(cron::PosixRule::parse(text).has_value()) << text;
}

}  // namespace
}  // namespace turnstile::test
