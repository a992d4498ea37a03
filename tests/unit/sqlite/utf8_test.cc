#include "sqlite/utf8.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace turnstile::sqlite {
namespace {

constexpr std::size_t kValid = std::string_view::npos;

struct Sample {
  std::string_view name;
  std::string_view bytes;
  std::size_t invalid_from;
};

std::ostream& operator<<(std::ostream& out, const Sample& sample) {
  return out << sample.name;
}

class Utf8 : public testing::TestWithParam<Sample> {};

TEST_P(Utf8, IsJudgedAsRfc3629Says) {
  EXPECT_EQ(find_invalid_utf8(GetParam().bytes), GetParam().invalid_from);
}

// The same behind and before whole words of ASCII, which go another way.
TEST_P(Utf8, IsJudgedTheSameAmongAscii) {
  for (std::size_t before = 0; before < 20; ++before) {
    const std::string text = std::string(before, 'a') + std::string(GetParam().bytes) + "z";
    const std::size_t expected =
        GetParam().invalid_from == kValid ? kValid : before + GetParam().invalid_from;
    EXPECT_EQ(find_invalid_utf8(text), expected) << before;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Boundaries, Utf8,
    testing::Values(
        Sample{"Empty", "", kValid}, Sample{"LastAscii", "\x7F", kValid},
        Sample{"Nul", std::string_view("\0", 1), kValid}, Sample{"FirstOfTwo", "\xC2\x80", kValid},
        Sample{"LastOfTwo", "\xDF\xBF", kValid}, Sample{"FirstOfThree", "\xE0\xA0\x80", kValid},
        Sample{"BeforeSurrogates", "\xED\x9F\xBF", kValid},
        Sample{"AfterSurrogates", "\xEE\x80\x80", kValid},
        Sample{"LastOfThree", "\xEF\xBF\xBF", kValid},
        Sample{"FirstOfFour", "\xF0\x90\x80\x80", kValid},
        Sample{"LastOfAll", "\xF4\x8F\xBF\xBF", kValid}, Sample{"LoneContinuation", "\x80", 0},
        Sample{"LastContinuation", "\xBF", 0}, Sample{"OverlongNul", "\xC0\x80", 0},
        Sample{"OverlongTwo", "\xC1\xBF", 0}, Sample{"OverlongThree", "\xE0\x9F\xBF", 0},
        Sample{"OverlongFour", "\xF0\x8F\xBF\xBF", 0}, Sample{"FirstSurrogate", "\xED\xA0\x80", 0},
        Sample{"LastSurrogate", "\xED\xBF\xBF", 0}, Sample{"AboveAll", "\xF4\x90\x80\x80", 0},
        Sample{"FarAbove", "\xF5\x80\x80\x80", 0}, Sample{"FiveBytes", "\xF8\x88\x80\x80\x80", 0},
        Sample{"Ff", "\xFF", 0}, Sample{"SecondIsAscii", "\xC2\x41", 0},
        Sample{"ThirdIsAscii", "\xE2\x82\x41", 0}, Sample{"FourthIsAscii", "\xF0\x9F\x98\x41", 0},
        Sample{"ThirdIsALead", "\xE2\x82\xC2", 0}, Sample{"BehindAValidOne", "\xC3\xA4\xFF", 2}),
    [](const auto& sample) { return std::string(sample.param.name); });

TEST(Utf8Text, MayNotEndInsideACharacter) {
  EXPECT_EQ(find_invalid_utf8("\xC2"), 0U);
  EXPECT_EQ(find_invalid_utf8("\xE2\x82"), 0U);
  EXPECT_EQ(find_invalid_utf8("12345678\xF0\x9F\x98"), 8U);
}

TEST(Utf8Text, IsSearchedToItsLastByte) {
  for (std::size_t size = 1; size < 40; ++size) {
    std::string text(size, 'x');
    text.back() = '\x80';
    EXPECT_EQ(find_invalid_utf8(text), size - 1);
  }
}

}  // namespace
}  // namespace turnstile::sqlite
