#include "gate/shared_memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "gate/descriptor.h"
#include "gate/sync_point.h"
#include "support/forked.h"
#include "support/temp_dir.h"

namespace turnstile::gate {
namespace {

constexpr std::size_t kSize = 8192;

bool any(const void* /*data*/) {
  return true;
}

std::optional<ForeignMemory> find_own(const std::string& name) {
  return ForeignMemory::find(::getpid(), name, kSize, any);
}

// The number of this process's descriptor of that memory; -1 when there is none.
int descriptor_of(const std::string& name) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry.path(), gone) == "/memfd:" + name + " (deleted)")
      return std::stoi(entry.path().filename().string());
  }
  return -1;
}

flock lock_of(short type) {
  flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_len = 1;
  return lock;
}

TEST(SharedMemory, IsFoundByItsNameSizeAndContent) {
  const auto memory = SharedMemory::make("turnstile-test", kSize);
  ASSERT_TRUE(memory);
  static_cast<char*>(memory->data())[0] = 'x';
  const auto found = find_own("turnstile-test");
  ASSERT_TRUE(found);
  EXPECT_EQ(static_cast<const char*>(found->data())[0], 'x');
  EXPECT_FALSE(find_own("turnstile"));
  EXPECT_FALSE(ForeignMemory::find(::getpid(), "turnstile-test", kSize / 2, any));
  EXPECT_FALSE(
      ForeignMemory::find(::getpid(), "turnstile-test", kSize, [](const void*) { return false; }));
}

TEST(SharedMemory, IsFoundBehindAnotherOfItsNameThatDoesNotFit) {
  const auto first = SharedMemory::make("turnstile-test", kSize);
  const auto second = SharedMemory::make("turnstile-test", kSize);
  ASSERT_TRUE(first && second);
  static_cast<char*>(second->data())[0] = '2';
  const auto fits = [](const void* data) { return static_cast<const char*>(data)[0] == '2'; };
  EXPECT_TRUE(ForeignMemory::find(::getpid(), "turnstile-test", kSize, fits));
}

// Above the limit the kernel sends a signal that ends the process.
TEST(SharedMemory, IsNoneWhereFilesMayNotBeAsLarge) {
  rlimit former{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &former), 0);
  const rlimit low{.rlim_cur = kSize - 1, .rlim_max = former.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &low), 0);
  const auto memory = SharedMemory::make("turnstile-test", kSize);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &former), 0);
  EXPECT_FALSE(memory);
}

// Between the look at a descriptor's name and its opening, another thread may have closed it, and
// opened a database under the same number. To close a file takes all locks on it away.
TEST(SharedMemory, IsSoughtWithoutTakingTheLocksOfAFileThatTookItsPlace) {
  const test::TempDir directory;
  static Descriptor file;
  file = Descriptor(
      ::open(directory.file("app.db").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
  ASSERT_EQ(::ftruncate(file.number(), kSize), 0);
  flock lock = lock_of(F_WRLCK);
  ASSERT_EQ(::fcntl(file.number(), F_SETLK, &lock), 0);
  const auto memory = SharedMemory::make("turnstile-test", kSize);
  ASSERT_TRUE(memory);

  sync_point_hook = [](std::string_view name) {
    if (name == "ForeignMemory:seen")
      ::dup3(file.number(), descriptor_of("turnstile-test"), O_CLOEXEC);
  };
  EXPECT_FALSE(find_own("turnstile-test"));
  sync_point_hook = nullptr;

  test::Forked other([](const test::Forked::Go&) {
    flock wanted = lock_of(F_WRLCK);
    ::fcntl(file.number(), F_GETLK, &wanted);
    return wanted.l_type == F_UNLCK ? std::string("free") : std::string("locked");
  });
  EXPECT_EQ(other.answer(), "locked");
  file.close();
}

}  // namespace
}  // namespace turnstile::gate
