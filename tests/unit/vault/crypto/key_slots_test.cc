// The ways to the data key.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "database/copies/sha256.h"
#include "support/memory_scan.h"
#include "support/test_seed.h"
#include "support/test_size.h"
#include "support/thrown.h"
#include "support/vault_bytes.h"
#include "turnstile/error.h"
#include "vault/crypto/key_slots.h"

namespace turnstile::vault {
namespace {

using test::as_bytes;
using test::Bytes;
using test::text_of;
using test::thrown;

constexpr KeyParameters kFast = KeyParameters::minimum();

KeySlots::Created make_slots(std::string_view password = "correct horse") {
  return KeySlots::create(as_bytes(password), kFast);
}

std::string code_of_unlock(const KeySlots& slots, std::string_view password) {
  return std::string(thrown<VaultError>([&] { (void)slots.unlock(as_bytes(password)); }).code());
}

// What reading the bytes and unlocking with the right password comes to.
std::string outcome_of(const Bytes& bytes, std::string_view password, const SecretBytes& data_key) {
  try {
    const SecretBytes found = KeySlots::parse(bytes).unlock(as_bytes(password));
    return found.equals(data_key.bytes()) ? "the key" : "ANOTHER KEY";
  } catch (const VaultError& error) {
    return std::string(error.code());
  }
}

// The last 32 bytes are a plain checksum: who changes the file on purpose makes it fit.
Bytes with_checksum(Bytes bytes) {
  bytes.resize(bytes.size() - 32);
  database::Sha256 hash;
  hash.add(bytes);
  const Bytes checksum = test::from_hex(hash.finish());
  bytes.insert(bytes.end(), checksum.begin(), checksum.end());
  return bytes;
}

TEST(KeySlots, GiveTheDataKeyForThePassword) {
  const auto [slots, data_key] = make_slots();
  EXPECT_EQ(data_key.size(), kDataKeySize);
  EXPECT_TRUE(slots.unlock(as_bytes("correct horse")).equals(data_key.bytes()));
}

TEST(KeySlots, GiveARandomDataKeyEachTime) {
  EXPECT_FALSE(make_slots().data_key.equals(make_slots().data_key.bytes()));
}

TEST(KeySlots, ReadBackWhatTheyWrote) {
  const auto [slots, data_key] = make_slots();
  const KeySlots read = KeySlots::parse(slots.serialize());
  EXPECT_EQ(read.key_id(), slots.key_id());
  EXPECT_TRUE(read.unlock(as_bytes("correct horse")).equals(data_key.bytes()));
  EXPECT_EQ(read.serialize(), slots.serialize());
}

// VSE-04: a wrong password is told from damage.
TEST(KeySlots, RefuseAWrongPassword) {
  const auto [slots, data_key] = make_slots();
  for (const char* wrong : {"Correct horse", "correct horse ", "correct", "correct horse\n"})
    EXPECT_EQ(code_of_unlock(slots, wrong), "INVALID_PASSWORD") << wrong;
}

// VTR-11: passwords are used byte for byte.
TEST(KeySlots, TakeThePasswordByteForByte) {
  const std::string password("  x \0\xff\n", 7);
  const auto [slots, data_key] = make_slots(password);
  EXPECT_TRUE(slots.unlock(as_bytes(password)).equals(data_key.bytes()));
  EXPECT_EQ(code_of_unlock(slots, "x"), "INVALID_PASSWORD");
}

TEST(KeySlots, RefuseABlankPassword) {
  for (const char* blank : {"", " ", " \t\n"}) {
    const auto error = thrown<MisuseError>([&] { (void)make_slots(blank); });
    EXPECT_EQ(error.code(), "PASSWORD_REQUIRED");
  }
}

// SEC-05: the cost is bounded when it is chosen.
TEST(KeySlots, RefuseParametersOutOfBounds) {
  for (const KeyParameters absurd :
       {KeyParameters{0, 8192}, KeyParameters{17, 8192}, KeyParameters{1, 4096},
        KeyParameters{1, 8193}, KeyParameters{1, std::uint64_t{1} << 40}}) {
    const auto error =
        thrown<MisuseError>([&] { (void)KeySlots::create(as_bytes("password"), absurd); });
    EXPECT_EQ(error.code(), "KEY_PARAMETERS_INVALID");
  }
}

// SEC-05: and also when it is read, before anything is allocated for it.
TEST(KeySlots, RefuseAFileThatAsksForTerabytesEvenWithARightChecksum) {
  const auto [slots, data_key] = make_slots();
  Bytes bytes = slots.serialize();
  constexpr std::size_t kMemoryOfFirstSlot = 40 + 16;
  bytes.at(kMemoryOfFirstSlot + 5) = std::byte{1};  // 2^40 more.
  const auto error = thrown<VaultError>([&] { (void)KeySlots::parse(with_checksum(bytes)); });
  EXPECT_EQ(error.code(), "VAULT_CORRUPTED");
  EXPECT_THAT(error.what(), testing::HasSubstr("1099511635968 bytes of memory"));
}

// SEC-05: each slot may be as dear as can be, but not all of them.
TEST(KeySlots, RefuseAFileWhoseSlotsCostTooMuchTogether) {
  auto [slots, data_key] = make_slots();
  (void)slots.add_password(data_key, as_bytes("second"), kFast);
  Bytes bytes = slots.serialize();
  for (const std::size_t slot : {std::size_t{40}, std::size_t{40 + 112}}) {
    bytes.at(slot + 8) = std::byte{15};         // Passes.
    bytes.at(slot + 16 + 3) = std::byte{0x3F};  // Nearly 2^30 bytes.
  }
  const auto error = thrown<VaultError>([&] { (void)KeySlots::parse(with_checksum(bytes)); });
  EXPECT_EQ(error.code(), "VAULT_CORRUPTED");
  EXPECT_THAT(error.what(), testing::HasSubstr("cost too much"));
}

TEST(KeySlots, AddNoPasswordThatMakesThemCostTooMuchTogether) {
  auto [slots, data_key] = make_slots();
  const KeyParameters dearest{16, std::uint64_t{1} << 30};
  const auto error =
      thrown<MisuseError>([&] { (void)slots.add_password(data_key, as_bytes("second"), dearest); });
  EXPECT_EQ(error.code(), "KEY_PARAMETERS_INVALID");
}

TEST(KeySlots, RefuseAFileWithTwoSlotsOfOneNumber) {
  auto [slots, data_key] = make_slots();
  (void)slots.add_password(data_key, as_bytes("second"), kFast);
  Bytes bytes = slots.serialize();
  bytes.at(40 + 112) = bytes.at(40);
  const auto error = thrown<VaultError>([&] { (void)KeySlots::parse(with_checksum(bytes)); });
  EXPECT_EQ(error.code(), "VAULT_CORRUPTED");
}

// SEC-05: the seed's cost (19 MiB, two passes) and the default work, and are stored.
TEST(KeySlots, KeepTheirParameters) {
  for (const KeyParameters cost : {KeyParameters{2, 19456 * 1024}, KeyParameters{}}) {
    const auto [slots, data_key] = KeySlots::create(as_bytes("password"), cost);
    const KeySlots read = KeySlots::parse(slots.serialize());
    EXPECT_EQ(read.slots().at(0).parameters, cost);
    EXPECT_TRUE(read.unlock(as_bytes("password")).equals(data_key.bytes()));
  }
}

// SEC-05: the cost can be raised later.
TEST(KeySlots, TakeAHigherCostWithTheSamePassword) {
  auto [slots, data_key] = make_slots();
  const KeyParameters wanted{2, 16384};
  EXPECT_EQ(slots.slots().at(0).parameters, kFast);
  slots.set_password(data_key, as_bytes("correct horse"), wanted);
  slots = KeySlots::parse(slots.serialize());
  EXPECT_EQ(slots.slots().at(0).parameters, wanted);
  EXPECT_TRUE(slots.unlock(as_bytes("correct horse")).equals(data_key.bytes()));
}

// SEC-04: a new password wraps the same data key anew, so that no data is written.
// VTR-06: with a new salt at each change.
TEST(KeySlots, ChangeThePasswordWithoutChangingTheDataKey) {
  auto [slots, data_key] = make_slots();
  const Bytes before = slots.serialize();
  slots.set_password(data_key, as_bytes("battery staple"), kFast);
  EXPECT_TRUE(slots.unlock(as_bytes("battery staple")).equals(data_key.bytes()));
  EXPECT_EQ(code_of_unlock(slots, "correct horse"), "INVALID_PASSWORD");
  EXPECT_EQ(slots.slots().size(), 1U);
  constexpr std::size_t kSalt = 40 + 24;
  const Bytes after = slots.serialize();
  EXPECT_FALSE(
      std::equal(before.begin() + kSalt, before.begin() + kSalt + 16, after.begin() + kSalt));
}

// SEC-02: each of several slots alone gives the same key; the last one cannot be removed.
TEST(KeySlots, GiveTheSameKeyFromEachSlotUntilItIsRemoved) {
  auto [slots, data_key] = make_slots("first");
  const std::uint32_t second = slots.add_password(data_key, as_bytes("second"), kFast);
  const std::string recovery = text_of(slots.add_recovery(data_key).bytes());
  slots = KeySlots::parse(slots.serialize());
  ASSERT_EQ(slots.slots().size(), 3U);
  EXPECT_TRUE(slots.unlock(as_bytes("first")).equals(data_key.bytes()));
  EXPECT_TRUE(slots.unlock(as_bytes("second")).equals(data_key.bytes()));
  EXPECT_TRUE(slots.unlock_with_recovery(recovery).equals(data_key.bytes()));

  slots.remove(data_key, 1);
  EXPECT_EQ(code_of_unlock(slots, "first"), "INVALID_PASSWORD");
  slots.remove(data_key, second);
  EXPECT_EQ(code_of_unlock(slots, "second"), "INVALID_PASSWORD");
  const std::uint32_t last = slots.slots().at(0).number;
  EXPECT_EQ(thrown<MisuseError>([&] { slots.remove(data_key, last); }).code(), "KEY_SLOT_LAST");
  EXPECT_EQ(thrown<MisuseError>([&] { slots.remove(data_key, 77); }).code(), "KEY_SLOT_UNKNOWN");
  EXPECT_TRUE(slots.unlock_with_recovery(recovery).equals(data_key.bytes()));
}

TEST(KeySlots, RefuseAWrongRecoveryKey) {
  auto [slots, data_key] = make_slots();
  std::string recovery = text_of(slots.add_recovery(data_key).bytes());
  recovery[0] = recovery[0] == '0' ? '1' : '0';
  for (const std::string& wrong : {recovery, std::string("nonsense"), std::string()}) {
    const auto error = thrown<VaultError>([&] { (void)slots.unlock_with_recovery(wrong); });
    EXPECT_EQ(error.code(), "INVALID_PASSWORD");
  }
  // A recovery key is no password, and a password no recovery key.
  EXPECT_EQ(code_of_unlock(slots, recovery), "INVALID_PASSWORD");
}

TEST(KeySlots, HaveRoomForSixteenAndNoMore) {
  auto [slots, data_key] = make_slots();
  for (std::size_t i = 1; i < KeySlots::kMostSlots; ++i)
    (void)slots.add_recovery(data_key);
  EXPECT_LE(slots.serialize().size(), KeySlots::kLargest);
  EXPECT_EQ(KeySlots::parse(slots.serialize()).slots().size(), KeySlots::kMostSlots);
  EXPECT_EQ(thrown<MisuseError>([&] { (void)slots.add_recovery(data_key); }).code(),
            "KEY_SLOTS_FULL");
  EXPECT_THROW((void)slots.add_password(data_key, as_bytes("more"), kFast), MisuseError);
}

TEST(KeySlots, AreChangedOnlyByWhoeverHasTheirDataKey) {
  auto [slots, data_key] = make_slots();
  const SecretBytes other = SecretBytes::random(kDataKeySize);
  const Bytes before = slots.serialize();
  EXPECT_THROW(slots.set_password(other, as_bytes("mine"), kFast), VaultError);
  EXPECT_THROW((void)slots.add_password(other, as_bytes("mine"), kFast), VaultError);
  EXPECT_THROW((void)slots.add_recovery(other), VaultError);
  EXPECT_THROW(slots.remove(other, 1), VaultError);
  EXPECT_EQ(slots.serialize(), before);
}

TEST(KeySlots, RefuseALaterVersion) {
  const auto [slots, data_key] = make_slots();
  Bytes bytes = slots.serialize();
  bytes.at(16) = std::byte{2};
  const auto error = thrown<VaultError>([&] { (void)KeySlots::parse(with_checksum(bytes)); });
  EXPECT_EQ(error.code(), "VAULT_FORMAT_UNSUPPORTED");
}

TEST(KeySlots, RefuseAFileOfAnotherLength) {
  const auto [slots, data_key] = make_slots();
  const Bytes whole = slots.serialize();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(outcome_of(part, "correct horse", data_key), "VAULT_CORRUPTED");
  }
  Bytes longer = whole;
  longer.push_back(std::byte{0});
  EXPECT_EQ(outcome_of(longer, "correct horse", data_key), "VAULT_CORRUPTED");
}

// VSE-03, SEC-03: every bit of the file is covered, and damage is told before a password is tried.
TEST(KeySlots, FindEveryFlippedBit) {
  auto [slots, data_key] = make_slots();
  (void)slots.add_recovery(data_key);
  const Bytes whole = slots.serialize();
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    Bytes flipped = whole;
    flipped[bit / 8] ^= std::byte{1} << (bit % 8);
    ASSERT_EQ(outcome_of(flipped, "correct horse", data_key), "VAULT_CORRUPTED") << "bit " << bit;
  }
}

// SEC-03: whoever changes the file on purpose, and makes the checksum fit, gets no key out of it
// and no other key into it.
TEST(KeySlots, AcceptNoChangeThatFitsTheChecksum) {
  auto [slots, data_key] = make_slots();
  (void)slots.add_recovery(data_key);
  (void)slots.add_password(data_key, as_bytes("second"), kFast);
  const Bytes whole = slots.serialize();
  std::mt19937_64 random(test::test_seed());
  const int cases = test::test_size("TURNSTILE_TEST_VAULT_CASES", 1000);
  for (int i = 0; i < cases; ++i) {
    Bytes changed = whole;
    const std::size_t first = random() % (changed.size() - 32);
    const std::size_t length = 1 + random() % 8;
    for (std::size_t at = first; at < std::min(first + length, changed.size() - 32); ++at)
      changed[at] = static_cast<std::byte>(random());
    if (changed == whole) continue;
    const std::string outcome = outcome_of(with_checksum(changed), "correct horse", data_key);
    ASSERT_TRUE(outcome == "VAULT_CORRUPTED" || outcome == "INVALID_PASSWORD" ||
                outcome == "VAULT_FORMAT_UNSUPPORTED")
        << outcome << " after a change of " << length << " bytes from " << first;
  }
}

// A slot that was there before would open again, were it put back.
TEST(KeySlots, NoticeThatASlotWasTakenFromAnEarlierState) {
  auto [slots, data_key] = make_slots("old");
  const Bytes old = slots.serialize();
  slots.set_password(data_key, as_bytes("new"), kFast);
  Bytes mixed = slots.serialize();
  std::copy(old.begin() + 40, old.begin() + 40 + 112, mixed.begin() + 40);
  EXPECT_EQ(outcome_of(with_checksum(mixed), "old", data_key), "VAULT_CORRUPTED");
}

TEST(KeySlots, ForAnotherDataKeyOpenWithThePasswordToo) {
  const SecretBytes fresh = SecretBytes::random(kDataKeySize);
  const KeySlots slots = KeySlots::for_key(fresh, as_bytes("correct horse"), kFast);
  EXPECT_TRUE(slots.unlock(as_bytes("correct horse")).equals(fresh.bytes()));
}

// The files of today are to be read in ten years.
TEST(KeySlots, ReadAFileOfVersionOne) {
  const KeySlots slots = KeySlots::parse(test::format_file("keys.hex"));
  EXPECT_EQ(test::to_hex(slots.unlock(as_bytes("correct horse")).bytes()),
            "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
}

// SEC-12: neither the data key nor the password stays in memory after the work.
TEST(KeySlots, LeaveNoSecretInMemory) {
  SecretBytes password = SecretBytes::random(24);
  const test::HiddenPattern hidden_password(password.bytes());
  auto [slots, data_key] = KeySlots::create(password.bytes(), kFast);
  const test::HiddenPattern hidden_key(data_key.bytes());
  slots.set_password(data_key, password.bytes(), kFast);
  data_key.wipe();
  {
    const SecretBytes again = KeySlots::parse(slots.serialize()).unlock(password.bytes());
    ASSERT_EQ(hidden_key.times_in_memory(), 1U);
  }
  password.wipe();
  EXPECT_EQ(hidden_key.times_in_memory(), 0U);
  EXPECT_EQ(hidden_password.times_in_memory(), 0U);
}

}  // namespace
}  // namespace turnstile::vault
