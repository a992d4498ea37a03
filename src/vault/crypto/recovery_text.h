// A recovery key as people write it down: base 32 with Crockford's letters, which leave out those
// that look like digits, in groups of four.
#pragma once

#include <string_view>

#include "vault/crypto/secret_bytes.h"

namespace turnstile::vault {

/// `7G2K-...`, 13 groups, for the 32 bytes of `key`.
[[nodiscard]] SecretBytes to_recovery_text(const SecretBytes& key);
/// The key again, whatever the case, with dashes and blanks anywhere; empty when it cannot be one.
[[nodiscard]] SecretBytes from_recovery_text(std::string_view text);

}  // namespace turnstile::vault
