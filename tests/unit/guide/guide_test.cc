// The C++ of the guide is compiled and run: each example of docs/guide/NAME.md stands, but for
// how its lines are broken, in NAME_test.cc beside this file. That of README.md is in examples/,
// which tests/cli/examples_test.py runs; its command lines are run by tests/cli/reference_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "support/files.h"
#include "support/place_of.h"

namespace turnstile::test {
namespace {

std::string without_whitespace(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
  return text;
}

std::vector<std::string> examples_of(const std::string& page, std::string_view language = "cpp") {
  const std::string begin = "```" + std::string(language) + "\n";
  constexpr std::string_view kEnd = "```\n";
  std::vector<std::string> examples;
  for (std::size_t at = page.find(begin); at != std::string::npos; at = page.find(begin, at)) {
    at += begin.size();
    const std::size_t end = page.find(kEnd, at);
    examples.push_back(page.substr(at, end - at));
  }
  return examples;
}

TEST(Guide, HasOnlyExamplesThatAreCompiled) {
  const std::filesystem::path tests(place_of::tests());
  std::size_t count = 0;
  for (const auto& page :
       std::filesystem::directory_iterator(tests.parent_path() / "docs" / "guide")) {
    for (const std::string& example : examples_of(read_file(page.path()))) {
      ++count;
      const std::string name = page.path().stem().string() + "_test.cc";
      const std::string source = without_whitespace(read_file(tests / "unit" / "guide" / name));
      EXPECT_NE(source.find(without_whitespace(example)), std::string::npos)
          << page.path() << " has an example that " << name << " has not:\n"
          << example;
    }
  }
  EXPECT_GT(count, 0U);
}

/// What README.md says stands elsewhere too, where it is compiled, run or measured.
class Readme : public testing::Test {
 protected:
  [[nodiscard]] static std::string read(const std::string& path) {
    return read_file(std::filesystem::path(place_of::tests()).parent_path() / path);
  }
  [[nodiscard]] static std::vector<std::string> matches(const std::string& text,
                                                        const std::string& pattern) {
    const std::regex regex(pattern);
    std::vector<std::string> found;
    for (std::sregex_iterator each(text.begin(), text.end(), regex), end; each != end; ++each)
      found.push_back((*each)[1]);
    return found;
  }

  const std::string page_ = read("README.md");
};

TEST_F(Readme, HasOnlyExamplesThatAreCompiled) {
  std::string sources;
  const auto examples = std::filesystem::path(place_of::tests()).parent_path() / "examples";
  for (const auto& file : std::filesystem::directory_iterator(examples))
    if (file.path().extension() == ".cc") sources += read_file(file.path());
  sources = without_whitespace(sources);
  ASSERT_FALSE(examples_of(page_).empty());
  for (const std::string& example : examples_of(page_))
    EXPECT_NE(sources.find(without_whitespace(example)), std::string::npos) << example;
}

// The tests of installation take what they do from that page.
TEST_F(Readme, InstallsAsTheGuideDoes) {
  const std::string guide = without_whitespace(read("docs/guide/installing.md"));
  ASSERT_FALSE(examples_of(page_, "cmake").empty());
  for (const std::string& example : examples_of(page_, "cmake"))
    EXPECT_NE(guide.find(without_whitespace(example)), std::string::npos) << example;
}

TEST_F(Readme, NamesOnlyTasksAndPresetsThatThereAre) {
  const std::string runner = read("dev");
  const std::string presets = read("CMakePresets.json");
  std::size_t count = 0;
  for (const std::string& block : examples_of(page_, "sh")) {
    for (const std::string& task : matches(block, R"(\./dev (\w+))")) {
      EXPECT_NE(runner.find("\n  " + task + ")"), std::string::npos) << task;
      ++count;
    }
    for (const std::string& preset : matches(block, R"(--preset (\w+))")) {
      EXPECT_NE(presets.find("\"" + preset + "\""), std::string::npos) << preset;
      ++count;
    }
  }
  EXPECT_GE(count, 4U);
}

// A block of another kind would be one that nobody looks at.
TEST_F(Readme, HasNoOtherKindsOfBlocks) {
  const std::vector<std::string> kinds = matches("\n" + page_, "\n```(\\w*)\n");
  for (std::size_t i = 0; i < kinds.size(); i += 2)
    EXPECT_THAT(kinds[i], testing::AnyOf("cpp", "cmake", "sh", "console"));
  EXPECT_EQ(kinds.size() % 2, 0U);
}

TEST_F(Readme, HasTheFiguresOfTheBenchmarks) {
  const std::string figures = read("docs/reference/benchmarks.md");
  const std::vector<std::string> rows = matches(page_, R"(\n\| (T\d.*) \|(?=\n))");
  ASSERT_GT(rows.size(), 4U);
  for (const std::string& row : rows) {
    const std::string id = row.substr(0, row.find(' '));
    const std::string ratio = row.substr(row.rfind(' ') + 1);
    const std::vector<std::string> measured = matches(figures, "\n(\\| " + id + " .*)");
    bool found = false;
    for (const std::string& line : measured)
      found = found || line.find("| " + ratio + " ") != std::string::npos;
    EXPECT_TRUE(found) << id << " is not " << ratio << " in docs/reference/benchmarks.md";
  }
}

}  // namespace
}  // namespace turnstile::test
