#include "gate/write_all.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <iterator>
#include <span>
#include <string>
#include <thread>

#include "gate/descriptor.h"
#include "support/files.h"
#include "support/soon.h"
#include "support/temp_dir.h"

namespace turnstile::gate {
namespace {

// A pipe takes 64 KiB at once, so that one that does not block takes a part, and then nothing.
TEST(WriteAll, TellsWhyTheRestOfAPartIsNotThere) {
  int ends[2] = {};
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  const Descriptor read(ends[0]);
  const Descriptor write(ends[1]);
  errno = ENOENT;
  EXPECT_EQ(write_all(write.number(), std::string(1 << 20, 'x')), EAGAIN);
}

// A signal ends a write that waits in a full pipe, with the part that the pipe has taken.
TEST(WriteAll, GoesOnBehindAPart) {
  struct sigaction act {};
  struct sigaction former {};
  act.sa_handler = [](int) {};
  ASSERT_EQ(::sigaction(SIGUSR1, &act, &former), 0);
  int ends[2] = {};
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Descriptor read(ends[0]);
  Descriptor write(ends[1]);
  const int capacity = ::fcntl(read.number(), F_GETPIPE_SZ);
  std::string all;
  while (std::ssize(all) < 4 * capacity)
    all += std::to_string(all.size());
  int result = -1;
  std::thread writer([&] {
    result = write_all(write.number(), all);
    write.close();
  });
  EXPECT_TRUE(test::soon([&] {
    int held = 0;
    return ::ioctl(read.number(), FIONREAD, &held) == 0 && held == capacity;
  }));
  ::pthread_kill(writer.native_handle(), SIGUSR1);
  std::string got;
  std::array<char, 1000> block{};
  for (ssize_t count = 0; (count = ::read(read.number(), block.data(), block.size())) > 0;)
    got.append(block.data(), static_cast<std::size_t>(count));
  writer.join();
  ::sigaction(SIGUSR1, &former, nullptr);
  EXPECT_EQ(result, 0);
  EXPECT_TRUE(got == all) << got.size() << " bytes of " << all.size();
}

TEST(WriteAll, WritesAtAnOffsetAndLeavesThePlace) {
  const test::TempDir directory;
  const std::string path = directory.file("a");
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(write_all(file.number(), "abcdef"), 0);
  constexpr std::array<char, 2> kTwo{'X', 'Y'};
  EXPECT_EQ(write_all_at(file.number(), std::as_bytes(std::span(kTwo)), 2), 0);
  EXPECT_EQ(write_all(file.number(), "g"), 0);
  EXPECT_EQ(test::read_file(path), "abXYefg");
}

TEST(WriteAll, TellsWhatTheSystemSays) {
  const Descriptor file(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  EXPECT_EQ(write_all(file.number(), "x"), ENOSPC);
  EXPECT_EQ(write_all(-1, "x"), EBADF);
  EXPECT_EQ(write_all(-1, ""), 0);
}

}  // namespace
}  // namespace turnstile::gate
