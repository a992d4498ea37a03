#include "gate/file_system.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string_view>
#include <utility>

#include "support/temp_dir.h"

namespace turnstile::gate {
namespace {

struct Expected {
  std::uint32_t magic;
  std::string_view name;
  FileKeeper keeper;
};

TEST(FileSystem, IsKnownByItsNumberWithWhoKeepsTheFiles) {
  for (const Expected& expected : {
           Expected{0x6969, "NFS", FileKeeper::Network},
           Expected{0xFF534D42, "CIFS", FileKeeper::Network},
           Expected{0xFE534D42, "SMB2", FileKeeper::Network},
           Expected{0x01021997, "9P", FileKeeper::Network},
           Expected{0x6B414653, "AFS", FileKeeper::Network},
           Expected{0x7461636F, "OCFS2", FileKeeper::Network},
           Expected{0x65735546, "FUSE", FileKeeper::Program},
           Expected{0xEF53, "ext4", FileKeeper::Kernel},
           Expected{0x73717368, "SquashFS", FileKeeper::Kernel},
       }) {
    const FileSystem* const found = find_file_system(expected.magic);
    ASSERT_NE(found, nullptr) << expected.name;
    EXPECT_EQ(found->name, expected.name);
    EXPECT_EQ(found->keeper, expected.keeper) << expected.name;
  }
}

// proc(5) has no files of anybody's.
TEST(FileSystem, IsNullWhereItIsNotKnown) {
  EXPECT_EQ(find_file_system(0), nullptr);
  EXPECT_EQ(file_system_at("/proc"), nullptr);
}

TEST(FileSystem, IsNullWhereThePathCannotBeAskedAbout) {
  const test::TempDir directory;
  EXPECT_EQ(file_system_at(directory.file("nowhere")), nullptr);
}

// /dev/shm is in memory on every Linux that has it.
TEST(FileSystem, IsFoundForAPath) {
  const FileSystem* const found = file_system_at("/dev/shm");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->name, "tmpfs");
}

}  // namespace
}  // namespace turnstile::gate
