// The pages of this tree and their blocks of code, for tests that hold them to what they say.
#pragma once

#include <cstddef>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "support/files.h"
#include "support/place_of.h"

namespace turnstile::test {

/// A file of the sources, by its path in the tree.
[[nodiscard]] inline std::string read_source(const std::filesystem::path& path) {
  return read_file(std::filesystem::path(place_of::tests()).parent_path() / path);
}

/// The blocks of a language in a page.
[[nodiscard]] inline std::vector<std::string> blocks_of(const std::string& page,
                                                        std::string_view language) {
  const std::string begin = "```" + std::string(language) + "\n";
  constexpr std::string_view kEnd = "```\n";
  std::vector<std::string> blocks;
  for (std::size_t at = page.find(begin); at != std::string::npos; at = page.find(begin, at)) {
    at += begin.size();
    const std::size_t end = page.find(kEnd, at);
    if (end == std::string::npos) throw std::runtime_error("a block has no end");
    blocks.push_back(page.substr(at, end - at));
    at = end + kEnd.size();
  }
  return blocks;
}

}  // namespace turnstile::test
