// The examples of docs/reference/cli.md, of each page of a group of commands, cli-GROUP.md, of the
// guide and of README.md are run, page by page, in their order, in an empty directory, and their
// output is compared. In the document `...` stands for anything within a line, and alone on a line
// for any number of lines.
#include <filesystem>
#include <span>

#include "cli/cli_test.h"
#include "support/files.h"
#include "support/place_of.h"

namespace turnstile::test {
namespace {

struct Example {
  std::size_t line = 0;  // In the document, from 1.
  std::string command;
  std::vector<std::string> output;
};

std::vector<Example> examples_of(const std::string& document) {
  std::vector<Example> examples;
  bool inside = false;
  std::size_t number = 0;
  for (const std::string& line : lines_of(document)) {
    ++number;
    if (line.starts_with("```"))
      inside = line == "```console";
    else if (inside && line.starts_with("$ "))
      examples.push_back({number, line.substr(2), {}});
    else if (inside && !examples.empty())
      examples.back().output.push_back(line);
  }
  return examples;
}

bool line_matches(std::string_view pattern, std::string_view line) {
  const std::size_t gap = pattern.find("...");
  if (gap == std::string_view::npos) return pattern == line;
  if (!line.starts_with(pattern.substr(0, gap))) return false;
  line.remove_prefix(gap);
  for (;; line.remove_prefix(1)) {
    if (line_matches(pattern.substr(gap + 3), line)) return true;
    if (line.empty()) return false;
  }
}

bool matches(std::span<const std::string> patterns, std::span<const std::string> lines) {
  if (patterns.empty()) return lines.empty();
  if (patterns.front() == "...") {
    return matches(patterns.subspan(1), lines) ||
           (!lines.empty() && matches(patterns, lines.subspan(1)));
  }
  return !lines.empty() && line_matches(patterns.front(), lines.front()) &&
         matches(patterns.subspan(1), lines.subspan(1));
}

std::vector<std::filesystem::path> pages() {
  const std::filesystem::path tests(place_of::tests());
  std::vector<std::filesystem::path> pages{tests.parent_path() / "README.md"};
  for (const auto& entry :
       std::filesystem::directory_iterator(tests.parent_path() / "docs" / "guide"))
    pages.push_back(entry.path());
  for (const auto& entry :
       std::filesystem::directory_iterator(tests.parent_path() / "docs" / "reference")) {
    const std::string name = entry.path().filename().string();
    if (name == "cli.md" || (name.starts_with("cli-") && name.ends_with(".md")))
      pages.push_back(entry.path());
  }
  return pages;
}

TEST(CliReference, ShowsWhatTheProgramReallyPrints) {
  std::size_t count = 0;
  for (const std::filesystem::path& page : pages()) {
    const TempDir directory;
    for (const Example& example : examples_of(read_file(page.string()))) {
      ++count;
      const ProgramResult result = run_in_shell(directory.path().string(), example.command);
      EXPECT_TRUE(matches(example.output, lines_of(result.output)))
          << page.filename().string() << ":" << example.line << ": " << example.command
          << "\nprints (and ends with status " << result.status << "):\n"
          << result.output;
    }
  }
  EXPECT_GT(count, 10U);
}

}  // namespace
}  // namespace turnstile::test
