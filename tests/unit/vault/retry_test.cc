// Files that somebody else has for a moment.
#include <gtest/gtest.h>

#include <cerrno>

#include "vault/files.h"

namespace turnstile::vault {
namespace {

struct Tries {
  int result = 0;
  int count = 0;
};

/// Fails so many times.
Tries tries_of(int failures, int cause) {
  Tries tries;
  tries.result = retry_while_busy([&] { return ++tries.count <= failures ? cause : 0; });
  return tries;
}

// VTR-12
TEST(BusyFile, IsTriedAgainUntilItIsFree) {
  for (const int cause : {EBUSY, ETXTBSY, EAGAIN}) {
    const Tries tries = tries_of(5, cause);
    EXPECT_EQ(tries.result, 0);
    EXPECT_EQ(tries.count, 6);
  }
}

// VTR-12
TEST(BusyFile, IsTriedTwentyTimes) {
  EXPECT_EQ(tries_of(19, EBUSY).result, 0);
  const Tries tries = tries_of(20, EBUSY);
  EXPECT_EQ(tries.result, EBUSY);
  EXPECT_EQ(tries.count, 20);
}

TEST(BusyFile, IsNotTriedAgainWhenThatWouldNotHelp) {
  for (const int cause : {ENOENT, EACCES, EROFS, ENOSPC}) {
    const Tries tries = tries_of(1, cause);
    EXPECT_EQ(tries.result, cause);
    EXPECT_EQ(tries.count, 1);
  }
}

}  // namespace
}  // namespace turnstile::vault
