// Memory for secrets.
#include <gtest/gtest.h>

#include <cstddef>
#include <span>
#include <utility>

#include "support/memory_scan.h"
#include "support/vault_bytes.h"
#include "vault/crypto/secret_bytes.h"

namespace turnstile::vault {
namespace {

using test::as_bytes;
using test::HiddenPattern;

TEST(SecretBytes, MoveAndLeaveTheSourceEmpty) {
  SecretBytes first = SecretBytes::copy_of("a secret");
  const SecretBytes second = std::move(first);
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): this is what is tested.
  EXPECT_TRUE(second.equals(as_bytes("a secret")));
}

TEST(SecretBytes, AreEqualOnlyWhenAllBytesAre) {
  const SecretBytes secret = SecretBytes::copy_of("a secret");
  EXPECT_FALSE(secret.equals(as_bytes("a secreT")));
  EXPECT_FALSE(secret.equals(as_bytes("a secret ")));
  EXPECT_FALSE(secret.equals({}));
  EXPECT_TRUE(SecretBytes().equals({}));
}

TEST(SecretBytes, AreRandomEachTime) {
  const SecretBytes one = SecretBytes::random(32);
  EXPECT_FALSE(one.equals(SecretBytes::random(32).bytes()));
}

// SEC-12: secrets are wiped; a dump of the memory does not have them afterwards.
TEST(SecretBytes, AreNowhereInMemoryAfterTheyAreWiped) {
  SecretBytes secret = SecretBytes::random(32);
  const HiddenPattern pattern(secret.bytes());
  const SecretBytes moved = std::move(secret);
  ASSERT_EQ(pattern.times_in_memory(), 1U);
  {
    const SecretBytes copy = SecretBytes::copy_of(moved.bytes());
    ASSERT_EQ(pattern.times_in_memory(), 2U);
  }
  ASSERT_EQ(pattern.times_in_memory(), 1U);
  SecretBytes last = SecretBytes::copy_of(moved.bytes());
  last.wipe();
  EXPECT_TRUE(last.empty());
  EXPECT_EQ(pattern.times_in_memory(), 1U);
}

}  // namespace
}  // namespace turnstile::vault
