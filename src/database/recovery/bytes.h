// Numbers out of the bytes of a page, none of which can be trusted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>

namespace turnstile::database::recovery {

using Bytes = std::span<const std::byte>;
using PageNumber = std::uint32_t;  // From 1; 0 is none.

/// What is wrong with a piece of the file, as a clause such as `cell 3 reaches past the page`. It
/// costs that piece only: whoever reads pieces catches it, and goes on with the next one.
class Damage : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws Damage when the bytes are not all there.
[[nodiscard]] inline Bytes slice(Bytes bytes, std::size_t offset, std::size_t size) {
  if (offset > bytes.size() || size > bytes.size() - offset)
    throw Damage("a value reaches past its end");
  return bytes.subspan(offset, size);
}

/// A big-endian number of as many bytes as `Number` has. Throws Damage.
template <class Number>
[[nodiscard]] Number big_endian(Bytes bytes, std::size_t offset) {
  Number number = 0;
  for (const std::byte byte : slice(bytes, offset, sizeof(Number)))
    number = static_cast<Number>(number << 8U | std::to_integer<Number>(byte));
  return number;
}

struct Varint {
  std::uint64_t value = 0;
  std::size_t size = 0;  // In bytes, 1 to 9.
};

/// https://sqlite.org/fileformat2.html#varint. Throws Damage.
[[nodiscard]] inline Varint read_varint(Bytes bytes, std::size_t offset) {
  constexpr std::size_t kLongest = 9;  // Whose last byte counts with all of its bits.
  Varint varint;
  while (true) {
    const auto byte = std::to_integer<std::uint64_t>(slice(bytes, offset + varint.size, 1)[0]);
    ++varint.size;
    if (varint.size == kLongest) {
      varint.value = varint.value << 8U | byte;
      return varint;
    }
    varint.value = varint.value << 7U | (byte & 0x7FU);
    if ((byte & 0x80U) == 0) return varint;
  }
}

}  // namespace turnstile::database::recovery
