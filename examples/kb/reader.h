// Reads one file: plain or gzip-compressed, as UTF-8, up to a bound.
//
// This is the slow part of indexing (disk, inflating, hashing), and the reason why it is a class
// that knows nothing of the database: all of it happens before a transaction begins.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "file_stamp.h"
#include "turnstile/value.h"

namespace kb {

/// What a file turned out to be.
enum class Verdict {
  Text,
  Binary,
  Damaged,     ///< Compressed, and broken.
  Unreadable,  ///< It is there, but may not or cannot be read now.
  Gone,        ///< No longer there, or no longer a regular file.
};

struct Contents {
  Verdict verdict = Verdict::Gone;
  FileStamp stamp;         ///< Taken from the open file before it was read.
  std::string text;        ///< Valid UTF-8; only of Verdict::Text.
  bool truncated = false;  ///< There was more than the reader's bound.
  turnstile::Blob hash;    ///< Of `text`.
};

/// Threads: shared; it has no state but its bound.
class TextReader {
 public:
  /// At most so many bytes of a file become its text. Without a bound a few kilobytes of hostile
  /// gzip would fill the memory, and one huge log would hold the writer's turn for seconds.
  explicit TextReader(std::size_t max_text_bytes);

  /// Never throws for what is wrong with the file; that is its verdict.
  [[nodiscard]] Contents read(const std::string& path) const;

 private:
  std::size_t max_text_bytes_;
};

/// A digest by which two texts are told apart.
[[nodiscard]] turnstile::Blob hash_of(std::string_view text);

}  // namespace kb
