#include "vault/password_tries.h"

#include <string>

#include "gate/sync_point.h"
#include "vault/raise.h"

namespace turnstile::vault {

namespace {

bool is_wrong_password(const VaultError& error) noexcept {
  return error.code() == code("INVALID_PASSWORD");
}

ProfileKeys unlock_with(const KeySlots& slots, std::string_view text, PasswordTries::Secret secret,
                        const Call& call) {
  if (secret == PasswordTries::Secret::Either) {
    // First what costs nothing to try.
    try {
      return unlock_keys(slots, text, true, call);
    } catch (const VaultError& error) {
      if (!is_wrong_password(error)) throw;
    }
  }
  return unlock_keys(slots, text, secret == PasswordTries::Secret::RecoveryKey, call);
}

}  // namespace

ProfileKeys PasswordTries::unlock(const KeySlots& slots, std::string_view text, Secret secret,
                                  const Call& call) {
  const CallTurn::Hold turn(turn_, call);
  gate::sync_point("PasswordTries:trying");
  if (const auto wait = throttle_.wait(); wait.count() > 0) {
    raise_vault(code("PASSWORD_THROTTLED"),
                "wrong passwords were given; the next one is tried after " +
                    std::to_string(wait.count()) + " ms",
                call);
  }
  try {
    ProfileKeys keys = unlock_with(slots, text, secret, call);
    throttle_.succeeded();
    return keys;
  } catch (const VaultError& error) {
    if (is_wrong_password(error)) throttle_.failed(pause_);
    throw;
  }
}

void PasswordTries::forget() {
  const CallTurn::Hold turn(turn_, Call{});
  throttle_.succeeded();
}

}  // namespace turnstile::vault
