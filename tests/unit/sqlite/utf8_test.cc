#include "sqlite/utf8.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace turnstile::sqlite {
namespace {

constexpr std::size_t kValid = std::string_view::npos;

struct Utf8Sample {
  std::string_view name;
  std::string_view bytes;
  std::size_t invalid_from;
};

std::ostream& operator<<(std::ostream& out, const Utf8Sample& sample) {
  return out << sample.name;
}

class Utf8 : public testing::TestWithParam<Utf8Sample> {};

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
        Utf8Sample{"Empty", "", kValid}, Utf8Sample{"LastAscii", "\x7F", kValid},
        Utf8Sample{"Nul", std::string_view("\0", 1), kValid},
        Utf8Sample{"FirstOfTwo", "\xC2\x80", kValid}, Utf8Sample{"LastOfTwo", "\xDF\xBF", kValid},
        Utf8Sample{"FirstOfThree", "\xE0\xA0\x80", kValid},
        Utf8Sample{"BeforeSurrogates", "\xED\x9F\xBF", kValid},
        Utf8Sample{"AfterSurrogates", "\xEE\x80\x80", kValid},
        Utf8Sample{"LastOfThree", "\xEF\xBF\xBF", kValid},
        Utf8Sample{"FirstOfFour", "\xF0\x90\x80\x80", kValid},
        Utf8Sample{"LastOfAll", "\xF4\x8F\xBF\xBF", kValid},
        Utf8Sample{"LoneContinuation", "\x80", 0}, Utf8Sample{"LastContinuation", "\xBF", 0},
        Utf8Sample{"OverlongNul", "\xC0\x80", 0}, Utf8Sample{"OverlongTwo", "\xC1\xBF", 0},
        Utf8Sample{"OverlongThree", "\xE0\x9F\xBF", 0},
        Utf8Sample{"OverlongFour", "\xF0\x8F\xBF\xBF", 0},
        Utf8Sample{"FirstSurrogate", "\xED\xA0\x80", 0},
        Utf8Sample{"LastSurrogate", "\xED\xBF\xBF", 0},
        Utf8Sample{"AboveAll", "\xF4\x90\x80\x80", 0},
        Utf8Sample{"FarAbove", "\xF5\x80\x80\x80", 0},
        Utf8Sample{"FiveBytes", "\xF8\x88\x80\x80\x80", 0}, Utf8Sample{"Ff", "\xFF", 0},
        Utf8Sample{"SecondIsAscii", "\xC2\x41", 0}, Utf8Sample{"ThirdIsAscii", "\xE2\x82\x41", 0},
        Utf8Sample{"FourthIsAscii", "\xF0\x9F\x98\x41", 0},
        Utf8Sample{"ThirdIsALead", "\xE2\x82\xC2", 0},
        Utf8Sample{"BehindAValidOne", "\xC3\xA4\xFF", 2}),
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
