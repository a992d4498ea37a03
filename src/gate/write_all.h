// Writing to a file until all of it is there.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string_view>

namespace turnstile::gate {

/// Goes on after an interruption and after a write that took a part, as one does on a disk that is
/// filling up; what it could not take of the rest tells why. 0 when all is written, else an errno,
/// with any part of `bytes` written.
[[nodiscard]] int write_all(int descriptor, std::span<const std::byte> bytes) noexcept;
[[nodiscard]] int write_all(int descriptor, std::string_view bytes) noexcept;
/// The same at an offset, without moving the place of the descriptor.
[[nodiscard]] int write_all_at(int descriptor, std::span<const std::byte> bytes,
                               off_t offset) noexcept;

}  // namespace turnstile::gate
