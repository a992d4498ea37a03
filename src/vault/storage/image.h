// A whole database in memory, as it is saved from there: left out of core dumps, and overwritten
// before the memory is given back. Not locked into RAM, of which there may be less.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace turnstile::vault {

/// Threads: confined.
class Image {
 public:
  Image() = default;
  /// `size` bytes of zero. Throws std::bad_alloc.
  explicit Image(std::size_t size);
  Image(Image&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Image& operator=(Image&& other) noexcept;
  ~Image() { wipe(); }

  [[nodiscard]] std::span<std::byte> bytes() noexcept { return {data_, size_}; }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  void wipe() noexcept;

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace turnstile::vault
