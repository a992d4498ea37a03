// Filters: what the text says, and what is refused.
#include "turnstile/vector_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "support/test_seed.h"
#include "support/thrown.h"
#include "turnstile/error.h"

namespace turnstile::test {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view text) {
  const auto error = thrown<MisuseError>([&] { (void)VectorFilter::parse(text); });
  EXPECT_EQ(error.code(), "VECTOR_FILTER_INVALID");
  return std::string(error.message());
}

void expect_same(std::string_view text, const VectorFilter& filter) {
  EXPECT_EQ(VectorFilter::parse(text).conditions(), filter.conditions()) << text;
}

TEST(VectorFilterText, IsReadAsSqlSpellsIt) {
  expect_same("lang = 'de' AND year >= 2020",
              VectorFilter().equal("lang", "de").at_least("year", 2020));
  expect_same(
      "a<1 and b<=2 AND c>3 And d>=4 aNd e==5",
      VectorFilter().less("a", 1).at_most("b", 2).greater("c", 3).at_least("d", 4).equal("e", 5));
  expect_same("kind IN ('a', 'b') AND n in(1,2,3)",
              VectorFilter().one_of("kind", {"a", "b"}).one_of("n", {1, 2, 3}));
  expect_same("year BETWEEN 2020 AND 2024 AND x = 1",
              VectorFilter().at_least("year", 2020).at_most("year", 2024).equal("x", 1));
  expect_same("\"select\" = 'x'", VectorFilter().equal("select", "x"));
  expect_same("\"a\"\"b\" = 'it''s'", VectorFilter().equal("a\"b", "it's"));
}

TEST(VectorFilterText, OfBlanksHasNoConditions) {
  EXPECT_TRUE(VectorFilter::parse("").empty());
  EXPECT_TRUE(VectorFilter::parse(" \t\n\r ").empty());
}

TEST(VectorFilterText, KnowsIntegersAndRealNumbers) {
  expect_same("a = -9223372036854775808",
              VectorFilter().equal("a", std::numeric_limits<std::int64_t>::min()));
  expect_same("a = +7", VectorFilter().equal("a", 7));
  expect_same("a = 1.5e-3", VectorFilter().equal("a", 1.5e-3));
  expect_same("a = -.5", VectorFilter().equal("a", -.5));
  expect_same("a = 9223372036854775808", VectorFilter().equal("a", 9223372036854775808.0));
}

TEST(VectorFilterText, SaysWhereItCannotBeReadAndWhatIsExpected) {
  EXPECT_EQ(refusal("lang"),
            "there is nothing more where a comparison is expected at line 1, column 5 of the "
            "filter");
  EXPECT_EQ(refusal("lang = 'de' year = 1"),
            "'year' stands where AND or the end is expected at line 1, column 13 of the filter");
  EXPECT_THAT(refusal("lang = 'de' AND"), HasSubstr("a column is expected"));
  EXPECT_THAT(refusal("lang = de"), HasSubstr("a text or a number is expected"));
  EXPECT_THAT(refusal("lang = 'de"), HasSubstr("there is no ' that ends"));
  EXPECT_THAT(refusal("n IN 1"), HasSubstr("the ( of IN is expected"));
  EXPECT_THAT(refusal("n IN (1"), HasSubstr("a comma or the ) of IN"));
  EXPECT_THAT(refusal("n IN ()"), HasSubstr("a text or a number"));
  EXPECT_THAT(refusal("n BETWEEN 1"), HasSubstr("the AND of BETWEEN"));
  EXPECT_THAT(refusal("n = 1e999"), HasSubstr("no number that can be read"));
  EXPECT_THAT(refusal("n = 1x"), HasSubstr("no number that can be read"));
  EXPECT_THAT(refusal("n = 1\n AND \xC3\xA9 = 2"), HasSubstr("line 2, column 6"));
  EXPECT_EQ(refusal("n = '\xff'"), "the filter is not UTF-8");
}

TEST(VectorFilterText, HasNothingElseOfSql) {
  for (const std::string_view text :
       {"a = 1 OR b = 2", "NOT a = 1", "a != 1", "a <> 1", "a LIKE 'x'", "a IS NULL",
        "a = 1; DROP TABLE t", "a = (SELECT 1)", "a = 1 -- x", "a = b", "(a = 1)", "a = ?",
        "a = x'00'", "length(a) = 1", "a = NULL", "a = 1 + 1"}) {
    refusal(text);
  }
  const auto error = thrown<MisuseError>([] { (void)VectorFilter::parse("a = 1 OR b = 2"); });
  EXPECT_THAT(error.hint(), HasSubstr("joined by AND"));
}

std::string in_quotes(std::string_view text, char quote) {
  std::string result(1, quote);
  for (const char c : text) {
    result += c;
    if (c == quote) result += c;
  }
  return result + quote;
}

std::string text_of(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return in_quotes(*text, '\'');
  return std::to_string(std::get<std::int64_t>(value));
}

std::string text_of(const VectorCondition& condition) {
  static constexpr std::string_view kSigns[] = {" = ", " < ", " <= ", " > ", " >= "};
  std::string text = in_quotes(condition.column, '"');
  if (condition.comparison != VectorComparison::OneOf)
    return text + std::string(kSigns[static_cast<int>(condition.comparison)]) +
           text_of(condition.values.front());
  text += " IN (";
  for (std::size_t i = 0; i < condition.values.size(); ++i)
    text += (i > 0 ? ", " : "") + text_of(condition.values[i]);
  return text + ")";
}

Value random_value(std::mt19937_64& random) {
  if (random() % 2 == 0) return static_cast<std::int64_t>(random());
  static constexpr std::string_view kPieces[] = {"'",  "\"", "a", " AND ", ";",
                                                 "--", "\n", "Ω", ")",     ""};
  std::string text;
  for (auto i = random() % 5; i > 0; --i)
    text += kPieces[random() % std::size(kPieces)];
  return text;
}

TEST(VectorFilterText, GivesBackWhatWasWritten) {
  std::mt19937_64 random(test_seed());
  for (int round = 0; round < 2000; ++round) {
    std::vector<VectorCondition> conditions;
    std::string text;
    for (auto i = 1 + random() % 4; i > 0; --i) {
      VectorCondition condition{
          std::get<std::string>(Value(std::string("c'\" ") + std::to_string(random() % 9))),
          static_cast<VectorComparison>(random() % 6),
          {}};
      const bool one_of = condition.comparison == VectorComparison::OneOf;
      for (auto n = one_of ? 1 + random() % 4 : 1; n > 0; --n)
        condition.values.push_back(random_value(random));
      text += (text.empty() ? "" : " AND ") + text_of(condition);
      conditions.push_back(std::move(condition));
    }
    ASSERT_EQ(VectorFilter::parse(text).conditions(), conditions) << text;
  }
}

TEST(VectorFilterText, OfAnyKindIsReadOrRefused) {
  std::mt19937_64 random(test_seed());
  static constexpr std::string_view kPieces[] = {
      "a",  " ",  "=",  "<=",      ">=", "'",    "\"", "AND", " IN ", "(", ")",  ",",  "1", "-",
      "e9", ".5", "\n", "BETWEEN", "!",  "\xff", "Ω",  ";",   "1e",   "+", "OR", "''", "\t"};
  int read = 0;
  int refused = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string text;
    for (auto i = random() % 9; i > 0; --i)
      text += kPieces[random() % std::size(kPieces)];
    if (random() % 8 == 0) text += '\0';
    try {
      const VectorFilter filter = VectorFilter::parse(text);
      for (const VectorCondition& condition : filter.conditions())
        ASSERT_FALSE(condition.values.empty()) << text;
      ++read;
    } catch (const MisuseError& error) {
      ASSERT_EQ(error.code(), "VECTOR_FILTER_INVALID");
      ASSERT_FALSE(error.message().empty());
      ++refused;
    }
  }
  EXPECT_GT(read, 0);
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace turnstile::test
