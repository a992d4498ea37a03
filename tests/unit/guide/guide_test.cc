// The C++ of the guide is compiled and run: each example of docs/guide/NAME.md stands, but for
// how its lines are broken, in NAME_test.cc beside this file. That of README.md is in examples/,
// which tests/cli/examples_test.py runs; command lines are run by tests/cli/reference_test.cc. The
// rules of the tree (tests/tidy/page_rules.py) know who reads blocks of other kinds.
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/files.h"
#include "support/pages.h"
#include "support/place_of.h"

namespace turnstile::test {
namespace {

std::string without_whitespace(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\n'; });
  return text;
}

TEST(Guide, HasOnlyExamplesThatAreCompiled) {
  const std::filesystem::path tests(place_of::tests());
  std::size_t count = 0;
  for (const auto& page :
       std::filesystem::directory_iterator(tests.parent_path() / "docs" / "guide")) {
    for (const std::string& example : blocks_of(read_file(page.path()), "cpp")) {
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
  [[nodiscard]] static std::vector<std::string> matches(const std::string& text,
                                                        const std::string& pattern) {
    const std::regex regex(pattern);
    std::vector<std::string> found;
    for (std::sregex_iterator each(text.begin(), text.end(), regex), end; each != end; ++each)
      found.push_back((*each)[1]);
    return found;
  }

  /// The page from this heading on.
  [[nodiscard]] static std::string below(const std::string& heading, const std::string& page) {
    const std::size_t at = page.find("\n## " + heading + "\n");
    if (at == std::string::npos) throw std::runtime_error("there is no heading " + heading);
    return page.substr(at);
  }

  const std::string page_ = read_source("README.md");
  const std::string guide_ = read_source("docs/guide/installing.md");
};

TEST_F(Readme, HasOnlyExamplesThatAreCompiled) {
  std::string sources;
  const auto examples = std::filesystem::path(place_of::tests()).parent_path() / "examples";
  for (const auto& file : std::filesystem::directory_iterator(examples))
    if (file.path().extension() == ".cc") sources += read_file(file.path());
  sources = without_whitespace(sources);
  ASSERT_FALSE(blocks_of(page_, "cpp").empty());
  for (const std::string& example : blocks_of(page_, "cpp"))
    EXPECT_NE(sources.find(without_whitespace(example)), std::string::npos) << example;
}

// The tests of installation take what they do from that page.
TEST_F(Readme, InstallsAsTheGuideDoes) {
  const std::string guide = without_whitespace(guide_);
  ASSERT_FALSE(blocks_of(page_, "cmake").empty());
  for (const std::string& example : blocks_of(page_, "cmake"))
    EXPECT_NE(guide.find(without_whitespace(example)), std::string::npos) << example;

  const std::string here = blocks_of(below("Install", page_), "sh").at(0);
  const std::string there = blocks_of(below("From source", guide_), "sh").at(0);
  EXPECT_EQ(without_whitespace(std::regex_replace(here, std::regex("#.*"), "")),
            without_whitespace(std::regex_replace(there, std::regex("--prefix .*"), "")));
}

// The guide to installing, too.
TEST_F(Readme, NamesOnlyTasksAndPresetsThatThereAre) {
  const std::string runner = read_source("dev");
  const std::string presets = read_source("CMakePresets.json");
  for (const std::string& page : {page_, guide_}) {
    std::size_t count = 0;
    for (const std::string& block : blocks_of(page, "sh")) {
      for (const std::string& task : matches(block, R"(\./dev (\w+))")) {
        EXPECT_NE(runner.find("\n  " + task + ")"), std::string::npos) << task;
        ++count;
      }
      for (const std::string& preset : matches(block, R"((?:--preset |build/)(\w+))")) {
        EXPECT_NE(presets.find("\"" + preset + "\""), std::string::npos) << preset;
        ++count;
      }
    }
    EXPECT_GE(count, 5U);
  }
}

TEST_F(Readme, HasTheFiguresOfTheBenchmarks) {
  const std::string figures = read_source("docs/reference/benchmarks.md");
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
