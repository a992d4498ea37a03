#include "vault/storage/write_file.h"

#include "gate/write_all.h"

namespace turnstile::vault {

void write_all(int descriptor, std::span<const std::byte> bytes, const std::filesystem::path& path,
               const Call& call) {
  const int cause = gate::write_all(descriptor, bytes);
  if (cause != 0) raise_write("cannot write", path, cause, call);
}

}  // namespace turnstile::vault
