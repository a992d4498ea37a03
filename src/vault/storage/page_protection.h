// The key of an encrypted database file, on its way to the connections.
#pragma once

#include "gate/mutex.h"
#include "sqlite/protection.h"
#include "vault/crypto/secret_bytes.h"

namespace turnstile::vault {

/// Threads: shared.
class PageProtection : public sqlite::Protection {
 public:
  /// Throws VaultError (CRYPTO_UNAVAILABLE) when the engine cannot encrypt.
  explicit PageProtection(const SecretBytes& data_key);

  [[nodiscard]] int apply(sqlite3* handle) noexcept override;
  void end() noexcept override;
  [[nodiscard]] bool equals(const Protection& other) const noexcept override;

 private:
  mutable gate::Mutex mutex_;
  SecretBytes key_ TURNSTILE_GUARDED_BY(mutex_);  // With the engine's mark of a raw key in front.
};

}  // namespace turnstile::vault
