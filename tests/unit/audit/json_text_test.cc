// JSON as text, compared with what SQLite takes for JSON.
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <string_view>

#include "audit/json_text.h"
#include "support/test_seed.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using audit::make_compact;

std::string compact(std::string_view text) {
  std::string result;
  const auto fault = make_compact(text, result);
  return fault ? "at " + std::to_string(fault->offset) + ": " + std::string(fault->expected)
               : result;
}

TEST(JsonText, TakesTheSpaceBetweenTokensAway) {
  EXPECT_EQ(
      compact(" {\n\t\"a b\" : [ 1 , -2.50e+3 ,\r\n\"x \\\" y\" ] , \"c\":{ } , \"d\":[ ] } "),
      R"({"a b":[1,-2.50e+3,"x \" y"],"c":{},"d":[]})");
  EXPECT_EQ(compact("true"), "true");
  EXPECT_EQ(compact(" 0 "), "0");
}

TEST(JsonText, SaysWhereItStopsBeingJson) {
  EXPECT_EQ(compact(""), "at 0: a value");
  EXPECT_EQ(compact("{\"a\" 1}"), "at 5: a colon");
  EXPECT_EQ(compact("[1 2]"), "at 3: a comma or a closing bracket");
  EXPECT_EQ(compact("{\"a\":1,}"), "at 7: a string");
  EXPECT_EQ(compact("\"a\nb\""), "at 2: no control character");
  EXPECT_EQ(compact("\"a"), "at 2: a closing quote");
  EXPECT_EQ(compact(R"("\x")"), "at 2: an escape");
  EXPECT_EQ(compact(R"("\u12g4")"), "at 5: an escape");
  EXPECT_EQ(compact("01"), "at 1: the end");
  EXPECT_EQ(compact("-"), "at 1: a digit");
  EXPECT_EQ(compact("1."), "at 2: a digit");
  EXPECT_EQ(compact("nul"), "at 0: null");
  EXPECT_EQ(compact("{} {}"), "at 3: the end");
  EXPECT_EQ(compact("\"\xff\""), "at 1: UTF-8");
}

TEST(JsonText, IsNotDeeperThanAllowed) {
  const std::string open(audit::kDeepestJson, '[');
  const std::string close(audit::kDeepestJson, ']');
  EXPECT_EQ(compact(open + close), open + close);
  EXPECT_EQ(compact('[' + open + close + ']'), "at 101: less depth");
}

// A quarter of the texts are JSON; the others are JSON with something changed in it.
std::string random_text(std::mt19937_64& random, int depth) {
  const auto below = [&random](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  constexpr auto kAtoms = std::to_array<std::string_view>(
      {"0", "-1", "1.5e-7", "10E+2", "true", "false", "null", "\"\"", "\"a\"", "\"\\u00e9\\n\"",
       "\"\xc3\xa9\"", " ", "\"\\ud800\""});
  std::string text;
  switch (depth > 4 ? 0 : below(3)) {
    case 0:
      text = kAtoms.at(below(kAtoms.size()));
      break;
    case 1:
      text = "[";
      for (std::size_t i = below(4); i > 0; --i)
        text += random_text(random, depth + 1) + (i > 1 ? "," : "");
      text += "]";
      break;
    default:
      text = "{";
      for (std::size_t i = below(4); i > 0; --i)
        text += "\"k\" :" + random_text(random, depth + 1) + (i > 1 ? ", " : "");
      text += "}";
  }
  constexpr std::string_view kBytes = "{}[],:\"\\ 0e-.tu\x01";
  if (below(depth == 0 ? 2 : 40) == 0 && !text.empty())
    text[below(text.size())] = kBytes[below(kBytes.size())];
  return text;
}

TEST(JsonText, AgreesWithSqliteOnWhatIsJson) {
  std::mt19937_64 random(test_seed());
  const Database db = Database::open(":memory:");
  int valid = 0;
  db.lane("json").read([&](ReadTx& tx) {
    Statement check =
        tx.prepare("SELECT json_valid(?, 1), CASE json_valid(?, 1) WHEN 1 THEN json(?) END");
    for (int i = 0; i < 20'000; ++i) {
      const std::string text = random_text(random, 0);
      const auto [expected, minified] =
          check.query<bool, std::optional<std::string>>(text, text, text).one();
      std::string result;
      const auto fault = make_compact(text, result);
      // What is not UTF-8 cannot be bound, so that it is not among these.
      ASSERT_EQ(!fault, expected) << text << " " << compact(text);
      ASSERT_EQ(result, expected ? minified.value() : result);
      valid += expected ? 1 : 0;
    }
  });
  EXPECT_GT(valid, 2000);
  EXPECT_LT(valid, 18'000);
}

TEST(JsonText, GivesTheMembersOfAnObject) {
  const auto members = audit::members_of(R"( {"a": 1, "b" :{"c":[ 2]}, "d":"x"} )").value();
  ASSERT_EQ(members.size(), 3U);
  EXPECT_EQ(members[0].name, "a");
  EXPECT_EQ(members[1].name, "b");
  EXPECT_EQ(members[1].value, R"({"c":[ 2]})");
  EXPECT_EQ(members[2].value, R"("x")");
  EXPECT_FALSE(audit::members_of("[1]"));
  EXPECT_FALSE(audit::members_of("{\"a\":1} 2"));
  EXPECT_FALSE(audit::members_of(""));
}

TEST(JsonText, WritesStringsThatItReadsBack) {
  const std::string text("a\"b\\c/\b\f\n\r\t\x01\x1f é 🦆");
  std::string json;
  audit::append_json_string(json, text);
  EXPECT_EQ(json, "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f é 🦆\"");
  EXPECT_EQ(audit::read_json_string(json), text);
}

TEST(JsonText, ReadsStringsAsOtherProgramsWriteThem) {
  EXPECT_EQ(audit::read_json_string(R"("\u00e9\u20AC\ud83e\udd86\/")"), "é€🦆/");
  EXPECT_FALSE(audit::read_json_string(R"("\ud83e")"));
  EXPECT_FALSE(audit::read_json_string(R"("\ud83e\u0041")"));
  EXPECT_FALSE(audit::read_json_string(R"("\udd86")"));
  EXPECT_FALSE(audit::read_json_string("1"));
  EXPECT_FALSE(audit::read_json_string("\"a\" "));
}

}  // namespace
}  // namespace turnstile::test
