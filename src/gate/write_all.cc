#include "gate/write_all.h"

#include <unistd.h>

#include <cerrno>

namespace turnstile::gate {

namespace {

// `write_some` writes some of what it is given. errno is only looked at when it has failed.
template <class WriteSome>
int write_to_the_end(std::span<const std::byte> bytes, WriteSome write_some) noexcept {
  while (!bytes.empty()) {
    const ssize_t written = write_some(bytes);
    if (written == -1 && errno == EINTR) continue;
    if (written == -1) return errno;
    // No file does that, and it would go on for ever.
    if (written == 0) return EIO;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

int write_all(int descriptor, std::span<const std::byte> bytes) noexcept {
  return write_to_the_end(bytes, [descriptor](std::span<const std::byte> rest) noexcept {
    return ::write(descriptor, rest.data(), rest.size());
  });
}

int write_all(int descriptor, std::string_view bytes) noexcept {
  return write_all(descriptor, std::as_bytes(std::span(bytes)));
}

int write_all_at(int descriptor, std::span<const std::byte> bytes, off_t offset) noexcept {
  const std::byte* const first = bytes.data();
  return write_to_the_end(bytes, [=](std::span<const std::byte> rest) noexcept {
    return ::pwrite(descriptor, rest.data(), rest.size(), offset + (rest.data() - first));
  });
}

}  // namespace turnstile::gate
