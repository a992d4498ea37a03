#include "vault/crypto/sodium.h"

#include <sodium.h>

#include "vault/raise.h"

namespace turnstile::vault {

void require_sodium() {
  // Initialised once for the process, by whichever thread comes first.
  static const bool is_ready = sodium_init() >= 0;
  if (!is_ready) raise_vault(code("CRYPTO_UNAVAILABLE"), "libsodium cannot be initialised", Call{});
}

}  // namespace turnstile::vault
