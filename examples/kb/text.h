// What counts as text, and how any text becomes valid UTF-8, which is what SQLite stores.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kb {

/// How much of a file decides whether it is text: as much as git and grep look at, roughly.
inline constexpr std::size_t kProbeBytes = 8192;

/// True unless there is a NUL in the first kProbeBytes of `content`. UTF-8 and the ISO 8859 family
/// never contain one; programs, images and archives soon do.
[[nodiscard]] bool looks_like_text(std::string_view content);

[[nodiscard]] bool is_valid_utf8(std::string_view bytes);

/// `bytes` as it is when it is UTF-8, otherwise read as Latin-1, in which every byte is a
/// character. A NUL becomes a space: SQL functions would take it for the end of the text.
[[nodiscard]] std::string to_utf8(std::string bytes);

/// The longest beginning of `text` of at most `limit` bytes that does not cut a character in two.
[[nodiscard]] std::string_view cut_at_character(std::string_view text, std::size_t limit);

}  // namespace kb
