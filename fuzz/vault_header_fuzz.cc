// The files of a vault that are read before a password is known: whatever they are, they are what
// this library writes, or they are refused. The first byte says which is meant.
#include <sodium.h>

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "database/copies/sha256.h"
#include "fuzz_input.h"
#include "turnstile/error.h"
#include "vault/crypto/key_slots.h"
#include "vault/profile_record.h"
#include "vault/storage/sealed_header.h"

namespace {

using turnstile::fuzz::require;
namespace vault = turnstile::vault;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// The header of a sealed file of the size that it says, or of another one.
void check_header(std::string_view bytes, bool has_right_size) {
  constexpr std::size_t kContentBytes = 24;
  std::uint64_t content = 0;
  if (bytes.size() >= vault::kSealedHeaderBytes)
    std::memcpy(&content, bytes.data() + kContentBytes, sizeof(content));
  const std::uint64_t file_bytes = has_right_size ? vault::sealed_bytes(content) : bytes.size();
  const vault::RawHeader header = vault::parse_header(bytes_of(bytes), file_bytes, "file");
  require(
      std::ranges::equal(vault::to_bytes(header), bytes_of(bytes).first(vault::kSealedHeaderBytes)),
      "a header comes back changed");
  require(vault::sealed_bytes(header.about.content_bytes) == file_bytes,
          "the size of the file is not what the header says");
}

// Key slots with their checksum, or with the one that belongs to them.
void check_slots(std::string bytes, bool mend_checksum) {
  if (mend_checksum) {
    std::array<unsigned char, crypto_hash_sha256_BYTES> checksum{};
    crypto_hash_sha256(checksum.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
                       bytes.size());
    bytes.append(reinterpret_cast<const char*>(checksum.data()), checksum.size());
  }
  const vault::KeySlots slots = vault::KeySlots::parse(bytes_of(bytes));
  require(std::ranges::equal(slots.serialize(), bytes_of(bytes)), "key slots come back changed");
  require(!slots.slots().empty() && slots.slots().size() <= vault::KeySlots::kMostSlots,
          "there are no key slots, or too many");
  for (const vault::KeySlots::Slot& slot : slots.slots())
    if (slot.kind == vault::KeySlots::Kind::Password) vault::validate(slot.parameters);
}

// The record of a profile, whose last line is a hash; mended, of the lines that are there.
void check_record(std::string text, bool mend_hash) {
  if (mend_hash) {
    turnstile::database::Sha256 hash;
    hash.add(bytes_of(text));
    text += "sha256 " + hash.finish() + "\n";
  }
  const auto record = vault::ProfileRecord::from_text(text);
  if (!record) return;
  const auto again = vault::ProfileRecord::from_text(record->to_text());
  require(again && again->to_text() == record->to_text(), "a record comes back changed");
  require(record->owns(record->database), "a profile does not own its database");
  require(record->database.find('/') == std::string::npos, "a part lies in another folder");
}

void check(std::string_view input) {
  const char what = input.empty() ? ' ' : input.front();
  const std::string_view rest = input.substr(input.empty() ? 0 : 1);
  switch (what) {
    case 'h':
      return check_header(rest, false);
    case 'H':
      return check_header(rest, true);
    case 'k':
      return check_slots(std::string(rest), false);
    case 'K':
      return check_slots(std::string(rest), true);
    case 'r':
      return check_record(std::string(rest), false);
    case 'R':
      return check_record(std::string(rest), true);
    default:
      return;
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    check(turnstile::fuzz::Input(data, size).rest());
  } catch (const turnstile::VaultError& error) {
    require(error.code() == "VAULT_CORRUPTED" || error.code() == "VAULT_FORMAT_UNSUPPORTED",
            error.what());
  }
  return 0;
}
