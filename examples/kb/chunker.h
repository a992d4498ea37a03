#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace kb {

/// Longest chunk in bytes: a paragraph or a few, which is what a search result should show.
inline constexpr std::size_t kLongestChunk = 2000;

/// Cuts text at the ends of paragraphs, else of lines, else of words, else between characters, into
/// pieces of at most `longest` bytes. The pieces put together are the text; those of white space
/// only are left out.
[[nodiscard]] std::vector<std::string_view> split_into_chunks(std::string_view text,
                                                              std::size_t longest = kLongestChunk);

}  // namespace kb
