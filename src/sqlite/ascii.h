// Letters as SQLite folds them in names: those of ASCII alone.
#pragma once

#include <string>
#include <string_view>

namespace turnstile::sqlite {

[[nodiscard]] inline std::string lower_ascii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

}  // namespace turnstile::sqlite
