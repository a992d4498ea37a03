// Commands as text, for jobs and tasks that keep them in the file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <random>
#include <string>
#include <vector>

#include "sqlite/utf8.h"
#include "support/test_seed.h"
#include "support/thrown.h"
#include "turnstile/error.h"
#include "turnstile/shell.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(CommandPayload, IsAJsonArray) {
  EXPECT_EQ(command_payload({}), "[]");
  EXPECT_EQ(command_payload({"sh", "-c", "echo \"a\\b\"\n\x01"}),
            R"(["sh","-c","echo \"a\\b\"\u000a\u0001"])");
}

TEST(CommandPayload, IsReadAsAnyProgramMayHaveWrittenIt) {
  EXPECT_THAT(command_words(" [ ] "), IsEmpty());
  EXPECT_THAT(command_words("\t[\"a\" , \n\"\"]\r\n"), ElementsAre("a", ""));
  EXPECT_THAT(command_words(R"(["\"\\\/\b\f\n\r\t"])"), ElementsAre("\"\\/\b\f\n\r\t"));
  EXPECT_THAT(command_words(R"(["\u0041\u00e4\u20AC\ud83d\uDE00"])"),
              ElementsAre("A\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"));
  EXPECT_THAT(command_words("[\"\xC3\xA4\"]"), ElementsAre("\xC3\xA4"));
}

TEST(CommandPayload, IsNothingElse) {
  for (const char* text : {"",
                           "[",
                           "[]]",
                           "[1]",
                           "[\"a\"",
                           "[\"a\",]",
                           "[,]",
                           "[\"a\" \"b\"]",
                           "[\"a]",
                           "echo",
                           "{\"a\":1}",
                           "\"a\"",
                           "[[\"a\"]]",
                           "[null]",
                           "[\"\n\"]",
                           R"(["\x"])",
                           R"(["\u12g4"])",
                           R"(["\ud83d"])",
                           R"(["\ud83dxx"])",
                           R"(["\ud83d\u0041"])",
                           R"(["\ude00"])",
                           R"(["\u12)",
                           "[\"\xC3\"]",
                           "[\"\\"}) {
    EXPECT_EQ(thrown<MisuseError>([&] { (void)command_words(text); }).code(), "COMMAND_INVALID")
        << text;
  }
}

TEST(CommandPayload, SaysWhereItStopsBeingOne) {
  EXPECT_THAT(thrown<MisuseError>([] { (void)command_words("[\"ls\", -l]"); }).what(),
              HasSubstr("from byte 7 on"));
}

TEST(CommandPayload, HasToBeUtf8) {
  EXPECT_EQ(thrown<MisuseError>([] { (void)command_payload({"a\xFF"}); }).code(),
            "COMMAND_INVALID");
}

TEST(CommandPayload, GivesTheWordsBackThatItWasMadeOf) {
  std::mt19937_64 random(test_seed());
  for (int trial = 0; trial < 2000; ++trial) {
    std::vector<std::string> words(random() % 4);
    for (std::string& word : words) {
      for (std::size_t left = random() % 8; left > 0; --left)
        word +=
            random() % 2 == 0 ? static_cast<char>(random() % 0x80) : "\"\\/\n\x01u"[random() % 6];
      if (random() % 2 == 0) word += "\xF0\x9F\x98\x80";
    }
    EXPECT_EQ(command_words(command_payload(words)), words);
  }
}

// Whatever the text, the answer is words or an error.
TEST(CommandPayload, SurvivesAnyText) {
  std::mt19937_64 random(test_seed());
  constexpr std::string_view kLetters = "[]\",\\u0dDeE8 an\x80\xC3";
  int read = 0;
  for (int trial = 0; trial < 20'000; ++trial) {
    std::string text = random() % 2 == 0 ? "[\"" : "";
    for (std::size_t left = random() % 12; left > 0; --left)
      text += kLetters[random() % kLetters.size()];
    if (random() % 2 == 0) text += "\"]";
    try {
      for (const std::string& word : command_words(text))
        EXPECT_EQ(sqlite::find_invalid_utf8(word), std::string::npos) << text;
      ++read;
    } catch (const MisuseError& error) {
      EXPECT_EQ(error.code(), "COMMAND_INVALID");
    }
  }
  EXPECT_GT(read, 100);
}

}  // namespace
}  // namespace turnstile::test
