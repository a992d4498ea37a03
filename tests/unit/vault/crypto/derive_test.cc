// Keys from keys.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "support/vault_bytes.h"
#include "vault/crypto/derive.h"

namespace turnstile::vault {
namespace {

using test::fixed_key;
using test::from_hex;
using test::to_hex;

std::string run(const std::string& key, const std::string& salt, const std::string& info,
                std::size_t size) {
  return to_hex(hkdf_sha256(from_hex(key), from_hex(salt), from_hex(info), size).bytes());
}

std::string counting(unsigned first, unsigned last) {
  test::Bytes bytes;
  for (unsigned i = first; i <= last; ++i)
    bytes.push_back(static_cast<std::byte>(i));
  return to_hex(bytes);
}

// SEC-06: the three published test vectors of RFC 5869 for SHA-256.
TEST(Hkdf, GivesThePublishedResults) {
  const std::string key = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b";
  EXPECT_EQ(run(key, counting(0, 0x0c), counting(0xf0, 0xf9), 42),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  EXPECT_EQ(run(counting(0, 0x4f), counting(0x60, 0xaf), counting(0xb0, 0xff), 82),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
            "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
            "cc30c58179ec3e87c14c01d5c1f3434f1d87");
  EXPECT_EQ(run(key, "", "", 42),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

// SEC-06: sub-keys are deterministic, and another label gives another one.
TEST(DeriveKey, IsTheSameForTheSameUseAndAnotherForAnother) {
  const SecretBytes key = fixed_key();
  const SecretBytes pages = derive_key(key, "turnstile pages 1");
  EXPECT_EQ(pages.size(), 32U);
  EXPECT_TRUE(pages.equals(derive_key(key, "turnstile pages 1").bytes()));
  EXPECT_FALSE(pages.equals(derive_key(key, "turnstile pages 2").bytes()));
  EXPECT_FALSE(pages.equals(derive_key(fixed_key(1), "turnstile pages 1").bytes()));
  EXPECT_FALSE(pages.equals(derive_key(key, "turnstile pages 1", test::as_bytes("salt")).bytes()));
}

}  // namespace
}  // namespace turnstile::vault
