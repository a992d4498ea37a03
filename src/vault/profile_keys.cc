#include "vault/profile_keys.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "sqlite/raise.h"
#include "vault/files.h"
#include "vault/raise.h"

namespace turnstile::vault {

KeyParameters parameters_of(const KeyCost& cost) noexcept {
  return {cost.passes, cost.memory_bytes};
}

std::span<const std::byte> bytes_of(std::string_view text) noexcept {
  return std::as_bytes(std::span(text));
}

KeySlots read_key_slots(const ProfileFolder& folder, const ProfileRecord& record,
                        const Call& call) {
  const std::filesystem::path path = folder.part(record.keys);
  const auto bytes = read_small_file(path, call, KeySlots::kLargest);
  if (!bytes) {
    raise_vault(code("VAULT_CORRUPTED"),
                "the keys of the profile '" + record.name + "' are missing: there is no file " +
                    quoted(path),
                call);
  }
  return KeySlots::parse(bytes_of(*bytes));
}

void write_key_slots(const std::filesystem::path& path, const KeySlots& slots, const Call& call) {
  const std::vector<std::byte> bytes = slots.serialize();
  write_file_atomic(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, call);
}

ProfileKeys unlock_keys(const KeySlots& slots, std::string_view password, bool is_recovery_key,
                        const Call& call) {
  require_password(password, call);
  return {is_recovery_key ? slots.unlock_with_recovery(password) : slots.unlock(bytes_of(password)),
          slots.key_id()};
}

ProfileKeys make_keys(const std::filesystem::path& path, std::string_view password,
                      const KeyCost& cost, const Call& call) {
  KeySlots::Created created = KeySlots::create(bytes_of(password), parameters_of(cost));
  write_key_slots(path, created.slots, call);
  return {std::move(created.data_key), created.slots.key_id()};
}

void require_password(std::string_view password, const Call& call) {
  const auto is_blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  if (std::ranges::all_of(password, is_blank)) {
    sqlite::raise_misuse(
        code("PASSWORD_REQUIRED"),
        password.empty() ? "no password was given" : "a password of blanks only is none", call);
  }
}

}  // namespace turnstile::vault
