#include "vault/storage/page_protection.h"

#include <sqlite3.h>

#include <algorithm>
#include <string_view>

#include "sqlite/call.h"
#include "vault/raise.h"
#include "vault/storage/page_cipher.h"

// Of SQLite3 Multiple Ciphers; a system's SQLite has none of them.
extern "C" {
[[gnu::weak]] int sqlite3_key_v2(sqlite3* handle, const char* schema, const void* key, int size);
[[gnu::weak]] int sqlite3mc_config(sqlite3* handle, const char* name, int value);
[[gnu::weak]] int sqlite3mc_cipher_index(const char* name);
}

namespace turnstile::vault {

namespace {

// The engine takes what follows as the key itself, and derives nothing.
constexpr std::string_view kRawKey = "raw:";

SecretBytes engine_key(const SecretBytes& data_key) {
  const SecretBytes key = page_key(data_key);
  SecretBytes marked(kRawKey.size() + key.size());
  std::ranges::copy(std::as_bytes(std::span(kRawKey)), marked.bytes().begin());
  std::ranges::copy(key.bytes(), marked.bytes().subspan(kRawKey.size()).begin());
  return marked;
}

}  // namespace

PageProtection::PageProtection(const SecretBytes& data_key) : key_(engine_key(data_key)) {
  if (&sqlite3_key_v2 != nullptr && &sqlite3mc_config != nullptr &&
      &sqlite3mc_cipher_index != nullptr) {
    return;
  }
  raise_vault(code("CRYPTO_UNAVAILABLE"), "the SQLite of this program cannot encrypt pages", Call{},
              "Build with TURNSTILE_SQLITE=fetched, or use a sealed profile.");
}

int PageProtection::apply(sqlite3* handle) noexcept {
  const gate::MutexLock lock(mutex_);
  if (key_.empty()) return SQLITE_MISUSE;
  // The name of the cipher is not left to the engine's default, which may change.
  if (sqlite3mc_config(handle, "cipher", sqlite3mc_cipher_index("chacha20")) < 0)
    return SQLITE_ERROR;
  return sqlite3_key_v2(handle, "main", key_.bytes().data(), static_cast<int>(key_.size()));
}

void PageProtection::end() noexcept {
  const gate::MutexLock lock(mutex_);
  key_.wipe();
}

bool PageProtection::equals(const Protection& other) const noexcept {
  if (this == &other) return true;
  const auto* const same_kind = dynamic_cast<const PageProtection*>(&other);
  if (same_kind == nullptr) return false;
  // One after the other: the two may be compared the other way round at the same time.
  SecretBytes copy;
  try {
    const gate::MutexLock lock(same_kind->mutex_);
    copy = SecretBytes::copy_of(same_kind->key_.bytes());
  } catch (...) {
    return false;
  }
  const gate::MutexLock lock(mutex_);
  return !key_.empty() && key_.equals(copy.bytes());
}

}  // namespace turnstile::vault
