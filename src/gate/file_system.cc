#include "gate/file_system.h"

#include <sys/vfs.h>

#include <algorithm>
#include <array>

namespace turnstile::gate {

namespace {

// Numbers as in statfs(2). What is shared by machines is a network here, whatever is between them.
constexpr auto kFileSystems = std::to_array<FileSystem>({
    {0x6969, "NFS", FileKeeper::Network},          {0xFF534D42, "CIFS", FileKeeper::Network},
    {0xFE534D42, "SMB2", FileKeeper::Network},     {0x517B, "SMB", FileKeeper::Network},
    {0x01021997, "9P", FileKeeper::Network},       {0x00C36400, "Ceph", FileKeeper::Network},
    {0x0BD00BD0, "Lustre", FileKeeper::Network},   {0x5346414F, "AFS", FileKeeper::Network},
    {0x6B414653, "AFS", FileKeeper::Network},  // The kernel's own client.
    {0x73757245, "Coda", FileKeeper::Network},     {0x47504653, "GPFS", FileKeeper::Network},
    {0x20030528, "OrangeFS", FileKeeper::Network}, {0x01161970, "GFS2", FileKeeper::Network},
    {0x7461636F, "OCFS2", FileKeeper::Network},    {0x65735546, "FUSE", FileKeeper::Program},
    {0xEF53, "ext4", FileKeeper::Kernel},          {0x58465342, "XFS", FileKeeper::Kernel},
    {0x9123683E, "Btrfs", FileKeeper::Kernel},     {0x2FC12FC1, "ZFS", FileKeeper::Kernel},
    {0xCA451A4E, "bcachefs", FileKeeper::Kernel},  {0xF2F52010, "F2FS", FileKeeper::Kernel},
    {0x794C7630, "overlayfs", FileKeeper::Kernel}, {0x01021994, "tmpfs", FileKeeper::Kernel},
    {0x4D44, "FAT", FileKeeper::Kernel},           {0x2011BAB0, "exFAT", FileKeeper::Kernel},
    {0x9660, "ISO 9660", FileKeeper::Kernel},      {0x73717368, "SquashFS", FileKeeper::Kernel},
});

}  // namespace

const FileSystem* find_file_system(std::uint32_t magic) noexcept {
  const auto* const found = std::ranges::find(kFileSystems, magic, &FileSystem::magic);
  return found == kFileSystems.end() ? nullptr : found;
}

const FileSystem* file_system_at(const std::filesystem::path& path) noexcept {
  struct statfs info {};
  if (::statfs(path.c_str(), &info) != 0) return nullptr;
  return find_file_system(static_cast<std::uint32_t>(info.f_type));
}

}  // namespace turnstile::gate
