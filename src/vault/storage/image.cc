#include "vault/storage/image.h"

#include <sodium.h>
#include <sys/mman.h>

#include <new>

namespace turnstile::vault {

Image::Image(std::size_t size) : size_(size) {
  if (size == 0) return;
  void* const memory =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  // Where the system does not know this, the image is dumped.
  static_cast<void>(::madvise(memory, size, MADV_DONTDUMP));
  data_ = static_cast<std::byte*>(memory);
}

Image& Image::operator=(Image&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  other.wipe();
  return *this;
}

void Image::wipe() noexcept {
  if (data_ == nullptr) return;
  sodium_memzero(data_, size_);
  ::munmap(data_, size_);
  data_ = nullptr;
  size_ = 0;
}

}  // namespace turnstile::vault
