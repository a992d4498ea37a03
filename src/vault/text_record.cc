#include "vault/text_record.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>

#include "database/copies/sha256.h"

namespace turnstile::vault {

namespace {

constexpr std::string_view kHashWord = "sha256 ";

std::string hash_of(std::string_view text) {
  database::Sha256 hash;
  hash.add(std::as_bytes(std::span(text)));
  return hash.finish();
}

}  // namespace

std::optional<std::string> TextRecord::find(std::string_view word) const {
  std::optional<std::string> found;
  for (const auto& [name, value] : lines_) {
    if (name != word) continue;
    if (found) return std::nullopt;
    found = value;
  }
  return found;
}

std::string TextRecord::to_text() const {
  std::string text = format_ + '\n';
  for (const auto& [word, value] : lines_)
    text.append(word).append(1, ' ').append(value).append(1, '\n');
  return text + std::string(kHashWord) + hash_of(text) + '\n';
}

std::optional<TextRecord> TextRecord::parse(std::string_view text) {
  const std::size_t last = text.rfind('\n', text.size() < 2 ? 0 : text.size() - 2);
  if (last == std::string_view::npos || !text.ends_with('\n')) return std::nullopt;
  std::string_view hashed = text.substr(0, last + 1);
  if (text.substr(last + 1) != std::string(kHashWord) + hash_of(hashed) + '\n') return std::nullopt;

  const std::size_t first = hashed.find('\n');
  TextRecord record{std::string(hashed.substr(0, first))};
  hashed.remove_prefix(first + 1);
  while (!hashed.empty()) {
    const std::string_view line = hashed.substr(0, hashed.find('\n'));
    hashed.remove_prefix(line.size() + 1);
    const std::size_t blank = line.find(' ');
    if (blank == std::string_view::npos) return std::nullopt;
    record.add(line.substr(0, blank), line.substr(blank + 1));
  }
  return record;
}

std::optional<std::int64_t> parse_count(std::string_view text) noexcept {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || number < 0) return std::nullopt;
  return number;
}

}  // namespace turnstile::vault
