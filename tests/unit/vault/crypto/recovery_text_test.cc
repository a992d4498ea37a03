// Recovery keys as text.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "support/vault_bytes.h"
#include "vault/crypto/recovery_text.h"

namespace turnstile::vault {
namespace {

using test::fixed_key;
using test::text_of;

TEST(RecoveryText, HasThirteenGroupsOfFourPlainSymbols) {
  EXPECT_EQ(text_of(to_recovery_text(fixed_key()).bytes()),
            "000G-40R4-0M30-E209-185G-R38E-1W81-24GK-2GAH-C5RR-34D1-P70X-3RFG");
}

TEST(RecoveryText, IsReadBackWhateverItsCaseAndItsDashes) {
  const SecretBytes key = SecretBytes::random(32);
  std::string text = text_of(to_recovery_text(key).bytes());
  EXPECT_TRUE(from_recovery_text(text).equals(key.bytes()));
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  std::erase(text, '-');
  text.insert(20, " \n");
  EXPECT_TRUE(from_recovery_text(text).equals(key.bytes()));
}

TEST(RecoveryText, TakesLettersForTheDigitsThatTheyLookLike) {
  std::string text = text_of(to_recovery_text(fixed_key()).bytes());
  std::ranges::replace(text, '0', 'O');
  std::ranges::replace(text, '1', 'l');
  EXPECT_TRUE(from_recovery_text(text).equals(fixed_key().bytes()));
}

TEST(RecoveryText, OfAnotherLengthOrWithOtherSymbolsIsNone) {
  const std::string text = text_of(to_recovery_text(fixed_key()).bytes());
  EXPECT_TRUE(from_recovery_text("").empty());
  EXPECT_TRUE(from_recovery_text(text.substr(1)).empty());
  EXPECT_TRUE(from_recovery_text(text + "0").empty());
  EXPECT_TRUE(from_recovery_text("U" + text.substr(1)).empty());
  // The last four of the 260 bits are always zero.
  EXPECT_TRUE(from_recovery_text(text.substr(0, text.size() - 1) + "H").empty());
}

}  // namespace
}  // namespace turnstile::vault
