#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace turnstile::sqlite {

/// The byte at which `text` stops being UTF-8 (RFC 3629: no surrogates, nothing overlong, nothing
/// above U+10FFFF), or npos when all of it is.
[[nodiscard]] std::size_t find_invalid_utf8(std::string_view text) noexcept;

/// `text` with each byte that is no UTF-8 as `\xff`.
[[nodiscard]] std::string escape_invalid_utf8(std::string_view text);

}  // namespace turnstile::sqlite
