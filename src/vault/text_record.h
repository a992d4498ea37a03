// A small file of words and their values that shows whether it is whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace turnstile::vault {

/// `FORMAT`, then a word, a blank and its value on each line, then `sha256` and the hash of all the
/// lines before it. Values have no line breaks.
///
/// Threads: confined.
class TextRecord {
 public:
  using Line = std::pair<std::string, std::string>;

  /// `format`: what the first line is, such as `turnstile-profile 1`.
  explicit TextRecord(std::string format) : format_(std::move(format)) {}

  void add(std::string_view word, std::string_view value) { lines_.emplace_back(word, value); }

  [[nodiscard]] const std::string& format() const noexcept { return format_; }
  [[nodiscard]] const std::vector<Line>& lines() const noexcept { return lines_; }
  /// The value of the only line with that word.
  [[nodiscard]] std::optional<std::string> find(std::string_view word) const;

  [[nodiscard]] std::string to_text() const;
  /// Empty when the text is not what to_text() made, whatever the format.
  [[nodiscard]] static std::optional<TextRecord> parse(std::string_view text);

 private:
  std::string format_;
  std::vector<Line> lines_;
};

/// A whole number of decimal digits only; empty when it is none or does not fit.
[[nodiscard]] std::optional<std::int64_t> parse_count(std::string_view text) noexcept;

}  // namespace turnstile::vault
