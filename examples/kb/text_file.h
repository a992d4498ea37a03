// Text out of files: plain or gzip, UTF-8 or Latin-1.
#pragma once

#include <cstddef>
#include <string>

namespace kb {

/// How much of a text is taken, after inflating: a small .gz can hold gigabytes, and a document is
/// stored in one transaction, for which everybody waits.
inline constexpr std::size_t kLargestText = 2U * 1024 * 1024;

/// A file's content, or why there is none.
struct FileContent {
  std::string text;         ///< UTF-8.
  std::string reason;       ///< Empty, or why this is no text: `binary`, `empty`, `unreadable`.
  bool is_cut_off = false;  ///< There is more than kLargestText.
};

/// Reads a file; one that begins like gzip is inflated, whatever its name. A file without NUL bytes
/// is text, and text that is not UTF-8 is taken for Latin-1.
[[nodiscard]] FileContent read_text_file(const std::string& path);

/// Latin-1 as UTF-8.
[[nodiscard]] std::string utf8_from_latin1(const std::string& text);

}  // namespace kb
