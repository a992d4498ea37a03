// Texts that nobody would write: the properties of the fuzz target, in every run of the tests.
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <string_view>

#include "support/cron_properties.h"
#include "support/test_seed.h"

namespace turnstile::test {
namespace {

TEST(RandomText, IsAnExpressionThatFitsTogetherOrIsRefused) {
  constexpr auto kParts = std::to_array<std::string_view>({"*",
                                                           " ",
                                                           " ",
                                                           " ",
                                                           "/",
                                                           "-",
                                                           ",",
                                                           "0",
                                                           "1",
                                                           "5",
                                                           "7",
                                                           "12",
                                                           "23",
                                                           "31",
                                                           "59",
                                                           "60",
                                                           "L",
                                                           "W",
                                                           "#",
                                                           "?",
                                                           "MON",
                                                           "FRI",
                                                           "SUN",
                                                           "JAN",
                                                           "dec",
                                                           "@",
                                                           "@every ",
                                                           "@at ",
                                                           "@daily",
                                                           "1h",
                                                           "90s",
                                                           "100ms",
                                                           "2026-03-01",
                                                           "T12:00",
                                                           "Z",
                                                           "\t",
                                                           "\xff",
                                                           std::string_view("\0", 1),
                                                           "99999999999999999999"});
  std::mt19937_64 random(test_seed());
  int accepted = 0;
  for (int i = 0; i < 20'000; ++i) {
    // Now and then a few changes to a text that is good.
    std::string text = random() % 2 == 0 ? "" : "*/5 9-17 1,15,L JAN-DEC MON#2";
    for (auto count = random() % 12; count > 0; --count) {
      const std::size_t place = random() % (text.size() + 1);
      text.insert(place, kParts.at(random() % kParts.size()));
      if (!text.empty() && random() % 4 == 0) text.erase(random() % text.size(), random() % 4);
      if (text.empty()) break;
    }
    ASSERT_EQ(wrong_with_expression(text), "") << "'" << text << "'";
    try {
      (void)CronExpression::parse(text);
      ++accepted;
    } catch (const MisuseError&) {
    }
  }
  EXPECT_GT(accepted, 100) << "else little was tested";
}

}  // namespace
}  // namespace turnstile::test
