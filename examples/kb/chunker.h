// Cuts a text into pieces that are small enough to be a search result.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace kb {

/// About one printed page. A search ranks and shows chunks, so a chunk should be about one thing;
/// much smaller ones cost more rows than they give precision.
inline constexpr std::size_t kMaxChunkBytes = 4000;

/// Parts of `text`, in order, none longer than `max_bytes`, which together are exactly `text`.
/// They end with a paragraph where that leaves a chunk of a decent size, else with a line, else
/// with a word, and in the worst case with a character. An empty text has no chunks.
[[nodiscard]] std::vector<std::string_view> split_into_chunks(
    std::string_view text, std::size_t max_bytes = kMaxChunkBytes);

}  // namespace kb
