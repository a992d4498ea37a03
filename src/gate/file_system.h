// The file systems that are known by name. One table, so that opening a database, the doctor and
// the causes agree on which of them a network is behind.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace turnstile::gate {

/// Who keeps the files.
enum class FileKeeper : std::uint8_t {
  Kernel,   ///< This machine's.
  Network,  ///< Other machines too: neither locks nor shared memory can be relied on.
  Program,  ///< FUSE: it mostly stands for a remote place, but need not.
};

/// Threads: immutable.
struct FileSystem {
  std::uint32_t magic;    ///< The type that statfs(2) gives.
  std::string_view name;  ///< `NFS`, `ext4`.
  FileKeeper keeper;
};

/// Null for one that is not known here.
[[nodiscard]] const FileSystem* find_file_system(std::uint32_t magic) noexcept;
/// That of `path`; null also when it cannot be asked about.
[[nodiscard]] const FileSystem* file_system_at(const std::filesystem::path& path) noexcept;

}  // namespace turnstile::gate
