// The C++ of the guide is compiled and run: each example of docs/guide/NAME.md stands, but for
// how its lines are broken, in NAME_test.cc beside this file.
#include <gtest/gtest.h>

#include <filesystem>
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

std::vector<std::string> examples_of(const std::string& page) {
  constexpr std::string_view kBegin = "```cpp\n";
  constexpr std::string_view kEnd = "```\n";
  std::vector<std::string> examples;
  for (std::size_t at = page.find(kBegin); at != std::string::npos; at = page.find(kBegin, at)) {
    at += kBegin.size();
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

}  // namespace
}  // namespace turnstile::test
