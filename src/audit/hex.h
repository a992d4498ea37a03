#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace turnstile::audit {

/// Lower-case hexadecimal digits.
[[nodiscard]] std::string to_hex(std::span<const std::byte> bytes);

/// Fills `bytes` from twice as many digits; false when `digits` are something else.
[[nodiscard]] bool from_hex(std::string_view digits, std::span<std::byte> bytes) noexcept;

}  // namespace turnstile::audit
