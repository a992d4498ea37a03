#include "host/output_tail.h"

#include <algorithm>

#include "sqlite/utf8.h"

namespace turnstile::host {

namespace {

[[nodiscard]] bool continues_character(char byte) noexcept {
  constexpr unsigned kMask = 0xC0;
  constexpr unsigned kContinuation = 0x80;
  return (static_cast<unsigned char>(byte) & kMask) == kContinuation;
}

[[nodiscard]] std::string_view last(std::string_view bytes, std::size_t limit) {
  return bytes.substr(bytes.size() - std::min(bytes.size(), limit));
}

}  // namespace

void OutputTail::append(std::string_view bytes) {
  total_ += bytes.size();
  bytes_ += last(bytes, limit_);
  // Only when half of it is of no use, so that each byte is moved once on average.
  if (bytes_.size() / 2 > limit_) bytes_.erase(0, bytes_.size() - limit_);
}

std::string OutputTail::text() const {
  std::string_view rest = last(bytes_, limit_);
  if (rest.size() < total_) {
    // The first character may have lost its beginning; it has at most three bytes more.
    constexpr std::size_t kMostContinuations = 3;
    std::size_t lost = 0;
    while (lost < std::min(rest.size(), kMostContinuations) && continues_character(rest[lost]))
      ++lost;
    rest.remove_prefix(lost);
  }
  std::string text;
  text.reserve(rest.size());
  for (;;) {
    const std::size_t invalid = sqlite::find_invalid_utf8(rest);
    text += rest.substr(0, invalid);
    if (invalid == std::string_view::npos) return text;
    constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
    text += kReplacement;
    rest.remove_prefix(invalid + 1);
  }
}

}  // namespace turnstile::host
