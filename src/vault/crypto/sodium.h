// libsodium, made ready.
#pragma once

namespace turnstile::vault {

/// Must come before any other use of libsodium. Throws VaultError (CRYPTO_UNAVAILABLE).
void require_sodium();

}  // namespace turnstile::vault
