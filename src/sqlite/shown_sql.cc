#include "sqlite/shown_sql.h"

#include <algorithm>
#include <optional>

namespace turnstile::sqlite {

void ShownSql::show(std::string_view sql) noexcept {
  Text text;
  text.size = fitting(sql, kBytes);
  std::copy_n(sql.begin(), text.size, text.bytes.begin());
  text_.write(text);
  show_again();
}

std::string ShownSql::text() const {
  if (visible_.load(std::memory_order_acquire) == 0) return {};
  const std::optional<Text> text = text_.read();
  // The memory is another process's, which may have come to write anything there.
  return text && text->size <= kBytes ? std::string(text->bytes.data(), text->size) : std::string();
}

std::size_t fitting(std::string_view text, std::size_t size) noexcept {
  if (text.size() <= size) return text.size();
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
  };
  while (size > 0 && continues(size))
    --size;
  return size;
}

}  // namespace turnstile::sqlite
