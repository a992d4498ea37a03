#include "vault/crypto/key_slots.h"

#include <sodium.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sqlite/raise.h"
#include "vault/crypto/bytes.h"
#include "vault/crypto/derive.h"
#include "vault/crypto/recovery_text.h"
#include "vault/crypto/sodium.h"
#include "vault/raise.h"

namespace turnstile::vault {

namespace {

constexpr std::string_view kKeysMagic("turnstile.keys\0\0", 16);
constexpr std::uint32_t kKeysVersion = 1;
constexpr std::size_t kKeysHeader = 40;
constexpr std::size_t kSlotBytes = 112;
constexpr std::size_t kSealBytes = crypto_auth_hmacsha256_BYTES;
constexpr std::size_t kChecksumBytes = crypto_hash_sha256_BYTES;
constexpr std::size_t kWrappingKey = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
static_assert(KeySlots::kLargest >=
              kKeysHeader + KeySlots::kMostSlots * kSlotBytes + kSealBytes + kChecksumBytes);
static_assert(crypto_pwhash_argon2id_SALTBYTES == 16 && kDataKeySize == 32);

constexpr KeyParameters kCheapest = KeyParameters::minimum();
constexpr KeyParameters kDearest{16, std::uint64_t{1} << 30};
constexpr std::uint64_t kKiB = 1024;

bool in_bounds(const KeyParameters& parameters) noexcept {
  return parameters.passes >= kCheapest.passes && parameters.passes <= kDearest.passes &&
         parameters.memory_bytes >= kCheapest.memory_bytes &&
         parameters.memory_bytes <= kDearest.memory_bytes && parameters.memory_bytes % kKiB == 0;
}

[[noreturn]] void raise_damaged_keys(const std::string& why) {
  raise_vault(code("VAULT_CORRUPTED"), "the key slots are damaged: " + why, Call{});
}

[[noreturn]] void raise_invalid_password() {
  raise_vault(code("INVALID_PASSWORD"), "no key slot opens with that password", Call{});
}

void require_password(std::span<const std::byte> password) {
  const auto is_blank = [](std::byte byte) {
    return byte == std::byte{' '} || (byte >= std::byte{'\t'} && byte <= std::byte{'\r'});
  };
  if (std::ranges::all_of(password, is_blank))
    sqlite::raise_misuse(code("PASSWORD_REQUIRED"), "the password is empty or blank");
}

SecretBytes stretch(std::span<const std::byte> password, std::span<const std::byte> salt,
                    const KeyParameters& parameters) {
  require_sodium();
  SecretBytes key(kWrappingKey);
  const int failed = crypto_pwhash(
      raw(key.bytes()), key.size(), reinterpret_cast<const char*>(password.data()), password.size(),
      raw(salt), parameters.passes, static_cast<std::size_t>(parameters.memory_bytes),
      crypto_pwhash_ALG_ARGON2ID13);
  if (failed == 0) return key;
  raise_vault(code("CRYPTO_UNAVAILABLE"),
              "there is not enough memory to derive a key from the password: it takes " +
                  std::to_string(parameters.memory_bytes / kKiB) + " KiB",
              Call{});
}

SecretBytes recovery_wrapping_key(const SecretBytes& recovery_key,
                                  std::span<const std::byte> salt) {
  return derive_key(recovery_key, "turnstile keys recovery 1", salt);
}

void write_public_part(ByteWriter writer, const KeySlots::Slot& slot,
                       std::span<const std::byte> salt) {
  writer.number(slot.number)
      .number(static_cast<std::uint32_t>(slot.kind))
      .number(slot.parameters.passes)
      .number(slot.parameters.memory_bytes)
      .bytes(salt);
}

void write_beginning(ByteWriter writer, const KeyId& key_id) {
  writer.bytes(std::as_bytes(std::span(kKeysMagic))).number(kKeysVersion).bytes(key_id);
}

// What a wrapped key is bound to.
std::vector<std::byte> additional_data(const KeyId& key_id, const KeySlots::Slot& slot,
                                       std::span<const std::byte> salt) {
  std::vector<std::byte> data;
  write_beginning(ByteWriter(data), key_id);
  write_public_part(ByteWriter(data), slot, salt);
  return data;
}

std::array<std::byte, kChecksumBytes> checksum_of(std::span<const std::byte> bytes) {
  std::array<std::byte, kChecksumBytes> checksum{};
  crypto_hash_sha256(raw(checksum), raw(bytes), bytes.size());
  return checksum;
}

// Everything that can be known of the form, before a byte of it is used.
void require_whole(std::span<const std::byte> bytes) {
  require_sodium();
  constexpr std::size_t kLeast = kKeysHeader + kSlotBytes + kSealBytes + kChecksumBytes;
  if (bytes.size() < kLeast || bytes.size() > KeySlots::kLargest)
    raise_damaged_keys("they have " + std::to_string(bytes.size()) + " bytes");
  if (!std::ranges::equal(bytes.first(kKeysMagic.size()), std::as_bytes(std::span(kKeysMagic))))
    raise_damaged_keys("they do not begin as key slots do");
  const auto body = bytes.first(bytes.size() - kChecksumBytes);
  if (!std::ranges::equal(checksum_of(body), bytes.last(kChecksumBytes)))
    raise_damaged_keys("their checksum is another one");
}

void require_plausible(const KeySlots::Slot& slot) {
  const bool is_password = slot.kind == KeySlots::Kind::Password;
  if (!is_password && slot.kind != KeySlots::Kind::Recovery)
    raise_damaged_keys("slot " + std::to_string(slot.number) + " is of an unknown kind");
  const bool is_possible =
      is_password ? in_bounds(slot.parameters) : slot.parameters == KeyParameters{0, 0};
  if (is_possible) return;
  raise_damaged_keys("slot " + std::to_string(slot.number) + " asks for " +
                     std::to_string(slot.parameters.passes) + " passes over " +
                     std::to_string(slot.parameters.memory_bytes) + " bytes of memory");
}

/// What all slots together cost to try, in passes over bytes; each is within its bounds.
std::uint64_t cost_of(const std::vector<KeySlots::Slot>& slots) noexcept {
  std::uint64_t cost = 0;
  for (const KeySlots::Slot& slot : slots)
    cost += slot.parameters.passes * slot.parameters.memory_bytes;
  return cost;
}

constexpr std::uint64_t kMostCost = kDearest.passes * kDearest.memory_bytes;

// Whoever tries a password tries it on each slot, and no file may make that cost more than the
// dearest slot alone does.
void require_bearable(const std::vector<KeySlots::Slot>& slots) {
  std::set<std::uint32_t> numbers;
  for (const KeySlots::Slot& slot : slots)
    if (slot.number == 0 || !numbers.insert(slot.number).second)
      raise_damaged_keys("slot number " + std::to_string(slot.number) + " is there twice, or none");
  if (cost_of(slots) > kMostCost) raise_damaged_keys("all slots together cost too much to try");
}

}  // namespace

void validate(const KeyParameters& parameters) {
  if (in_bounds(parameters)) return;
  sqlite::raise_misuse(code("KEY_PARAMETERS_INVALID"),
                       std::to_string(parameters.passes) + " passes over " +
                           std::to_string(parameters.memory_bytes) +
                           " bytes of memory were asked for; it may be 1 to 16 passes over 8192 to "
                           "1073741824 bytes, in whole KiB");
}

KeySlots::KeySlots() = default;

KeySlots::Created KeySlots::create(std::span<const std::byte> password,
                                   const KeyParameters& parameters) {
  SecretBytes data_key = SecretBytes::random(kDataKeySize);
  KeySlots slots = for_key(data_key, password, parameters);
  return {std::move(slots), std::move(data_key)};
}

KeySlots KeySlots::for_key(const SecretBytes& data_key, std::span<const std::byte> password,
                           const KeyParameters& parameters) {
  require_password(password);
  validate(parameters);
  KeySlots slots;
  randombytes_buf(slots.key_id_.data(), slots.key_id_.size());
  Entry entry = slots.new_entry(Kind::Password, parameters);
  const SecretBytes wrapping_key = stretch(password, entry.salt, parameters);
  slots.add(data_key, wrapping_key, entry);
  return slots;
}

KeySlots KeySlots::parse(std::span<const std::byte> bytes) {
  require_whole(bytes);
  KeySlots slots;
  ByteReader reader(bytes.subspan(kKeysMagic.size()));
  const auto version = reader.number<std::uint32_t>();
  if (version != kKeysVersion) {
    raise_vault(code("VAULT_FORMAT_UNSUPPORTED"),
                "the key slots are of version " + std::to_string(version), Call{});
  }
  const auto count = reader.number<std::uint32_t>();
  if (count < 1 || count > kMostSlots ||
      bytes.size() != kKeysHeader + count * kSlotBytes + kSealBytes + kChecksumBytes) {
    raise_damaged_keys("their number is " + std::to_string(count));
  }
  reader.bytes(slots.key_id_);
  for (std::uint32_t i = 0; i < count; ++i) {
    Entry entry;
    entry.slot.number = reader.number<std::uint32_t>();
    entry.slot.kind = static_cast<Kind>(reader.number<std::uint32_t>());
    entry.slot.parameters.passes = reader.number<std::uint64_t>();
    entry.slot.parameters.memory_bytes = reader.number<std::uint64_t>();
    reader.bytes(entry.salt);
    reader.bytes(entry.nonce);
    reader.bytes(entry.wrapped);
    require_plausible(entry.slot);
    slots.entries_.push_back(entry);
  }
  require_bearable(slots.slots());
  reader.bytes(slots.seal_);
  return slots;
}

void KeySlots::serialize_body(std::vector<std::byte>& out) const {
  ByteWriter writer(out);
  writer.bytes(std::as_bytes(std::span(kKeysMagic)))
      .number(kKeysVersion)
      .number(static_cast<std::uint32_t>(entries_.size()))
      .bytes(key_id_);
  for (const Entry& entry : entries_) {
    write_public_part(writer, entry.slot, entry.salt);
    writer.bytes(entry.nonce).bytes(entry.wrapped);
  }
}

std::vector<std::byte> KeySlots::serialize() const {
  std::vector<std::byte> out;
  serialize_body(out);
  ByteWriter(out).bytes(seal_);
  const auto checksum = checksum_of(out);
  ByteWriter(out).bytes(checksum);
  return out;
}

std::array<std::byte, 32> KeySlots::seal_of(const SecretBytes& data_key) const {
  std::vector<std::byte> body;
  serialize_body(body);
  const SecretBytes key = derive_key(data_key, "turnstile keys seal 1", key_id_);
  std::array<std::byte, kSealBytes> seal{};
  crypto_auth_hmacsha256(raw(seal), raw(body), body.size(), raw(key.bytes()));
  return seal;
}

SecretBytes KeySlots::require_sealed(SecretBytes data_key) const {
  const auto seal = seal_of(data_key);
  if (sodium_memcmp(seal.data(), seal_.data(), seal.size()) == 0) return data_key;
  raise_damaged_keys("a slot opens, and they are not as they were left with it");
}

void KeySlots::require_own(const SecretBytes& data_key) const {
  const auto seal = seal_of(data_key);
  if (data_key.size() == kDataKeySize && sodium_memcmp(seal.data(), seal_.data(), seal.size()) == 0)
    return;
  raise_damaged_keys("they are not those of this data key");
}

SecretBytes KeySlots::unlock(std::span<const std::byte> password) const {
  for (const Entry& entry : entries_) {
    if (entry.slot.kind != Kind::Password) continue;
    if (auto key = open(entry, stretch(password, entry.salt, entry.slot.parameters)))
      return require_sealed(std::move(*key));
  }
  raise_invalid_password();
}

SecretBytes KeySlots::unlock_with_recovery(std::string_view recovery_key) const {
  const SecretBytes key = from_recovery_text(recovery_key);
  for (const Entry& entry : entries_) {
    if (entry.slot.kind != Kind::Recovery || key.empty()) continue;
    if (auto data_key = open(entry, recovery_wrapping_key(key, entry.salt)))
      return require_sealed(std::move(*data_key));
  }
  raise_invalid_password();
}

std::optional<SecretBytes> KeySlots::open(const Entry& entry,
                                          const SecretBytes& wrapping_key) const {
  const auto data = additional_data(key_id_, entry.slot, entry.salt);
  SecretBytes key(kDataKeySize);
  const int failed = crypto_aead_xchacha20poly1305_ietf_decrypt(
      raw(key.bytes()), nullptr, nullptr, raw(entry.wrapped), entry.wrapped.size(), raw(data),
      data.size(), raw(entry.nonce), raw(wrapping_key.bytes()));
  if (failed != 0) return std::nullopt;
  return key;
}

KeySlots::Entry KeySlots::new_entry(Kind kind, const KeyParameters& parameters) const {
  require_sodium();
  Entry entry;
  for (const Entry& other : entries_)
    entry.slot.number = std::max(entry.slot.number, other.slot.number);
  ++entry.slot.number;
  entry.slot.kind = kind;
  entry.slot.parameters = parameters;
  randombytes_buf(entry.salt.data(), entry.salt.size());
  randombytes_buf(entry.nonce.data(), entry.nonce.size());
  return entry;
}

void KeySlots::add(const SecretBytes& data_key, const SecretBytes& wrapping_key, Entry entry) {
  const auto data = additional_data(key_id_, entry.slot, entry.salt);
  crypto_aead_xchacha20poly1305_ietf_encrypt(raw(entry.wrapped), nullptr, raw(data_key.bytes()),
                                             data_key.size(), raw(data), data.size(), nullptr,
                                             raw(entry.nonce), raw(wrapping_key.bytes()));
  entries_.push_back(entry);
  seal_ = seal_of(data_key);
}

void KeySlots::set_password(const SecretBytes& data_key, std::span<const std::byte> password,
                            const KeyParameters& parameters) {
  require_password(password);
  validate(parameters);
  require_own(data_key);
  Entry entry = new_entry(Kind::Password, parameters);
  const SecretBytes wrapping_key = stretch(password, entry.salt, parameters);
  std::erase_if(entries_, [](const Entry& old) { return old.slot.kind == Kind::Password; });
  add(data_key, wrapping_key, entry);
}

std::uint32_t KeySlots::add_password(const SecretBytes& data_key,
                                     std::span<const std::byte> password,
                                     const KeyParameters& parameters) {
  require_password(password);
  validate(parameters);
  require_own(data_key);
  require_room();
  if (cost_of(slots()) + parameters.passes * parameters.memory_bytes > kMostCost) {
    sqlite::raise_misuse(code("KEY_PARAMETERS_INVALID"),
                         "with this one, all passwords together would cost more to try than the "
                         "dearest one alone may");
  }
  Entry entry = new_entry(Kind::Password, parameters);
  const std::uint32_t number = entry.slot.number;
  const SecretBytes wrapping_key = stretch(password, entry.salt, parameters);
  add(data_key, wrapping_key, entry);
  return number;
}

SecretBytes KeySlots::add_recovery(const SecretBytes& data_key) {
  require_own(data_key);
  require_room();
  const SecretBytes key = SecretBytes::random(kDataKeySize);
  Entry entry = new_entry(Kind::Recovery, {0, 0});
  const SecretBytes wrapping_key = recovery_wrapping_key(key, entry.salt);
  add(data_key, wrapping_key, entry);
  return to_recovery_text(key);
}

void KeySlots::remove(const SecretBytes& data_key, std::uint32_t number) {
  require_own(data_key);
  const auto found =
      std::ranges::find(entries_, number, [](const Entry& entry) { return entry.slot.number; });
  if (found == entries_.end()) {
    sqlite::raise_misuse(code("KEY_SLOT_UNKNOWN"),
                         "there is no key slot " + std::to_string(number));
  }
  if (entries_.size() == 1)
    sqlite::raise_misuse(code("KEY_SLOT_LAST"),
                         "key slot " + std::to_string(number) + " is the only one");
  entries_.erase(found);
  seal_ = seal_of(data_key);
}

void KeySlots::require_room() const {
  if (entries_.size() < kMostSlots) return;
  sqlite::raise_misuse(code("KEY_SLOTS_FULL"),
                       "there are " + std::to_string(kMostSlots) + " key slots, as many as can be");
}

std::vector<KeySlots::Slot> KeySlots::slots() const {
  std::vector<Slot> all;
  for (const Entry& entry : entries_)
    all.push_back(entry.slot);
  return all;
}

}  // namespace turnstile::vault
