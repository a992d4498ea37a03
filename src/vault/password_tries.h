// The tries of a profile's password that this process makes, wherever it makes them.
#pragma once

#include <chrono>
#include <string_view>

#include "gate/mutex.h"
#include "sqlite/call.h"
#include "vault/profile_keys.h"
#include "vault/throttle.h"

namespace turnstile::vault {

/// One after the other: whoever tries many at once must wait as long as who tries them in a row.
///
/// Threads: shared.
class PasswordTries {
 public:
  enum class Secret { Password, RecoveryKey, Either };

  /// After the first wrong one the next has to wait for `pause`; zero: never.
  explicit PasswordTries(std::chrono::milliseconds pause) noexcept : pause_(pause) {}

  /// As unlock_keys(). Throws also VaultError (PASSWORD_THROTTLED), and tries nothing then.
  [[nodiscard]] ProfileKeys unlock(const KeySlots& slots, std::string_view text, Secret secret,
                                   const Call& call) TURNSTILE_EXCLUDES(mutex_);
  /// The profile has other passwords now.
  void forget() TURNSTILE_EXCLUDES(mutex_);

 private:
  const std::chrono::milliseconds pause_;
  gate::Mutex mutex_;
  Throttle throttle_ TURNSTILE_GUARDED_BY(mutex_);
};

}  // namespace turnstile::vault
