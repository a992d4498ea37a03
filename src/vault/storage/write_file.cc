#include "vault/storage/write_file.h"

#include <unistd.h>

#include <cerrno>

namespace turnstile::vault {

void write_all(int descriptor, std::span<const std::byte> bytes, const std::filesystem::path& path,
               const Call& call) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written == -1 && errno == EINTR) continue;
    if (written <= 0) raise_write("cannot write", path, errno, call);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

}  // namespace turnstile::vault
