// The tries of a profile's password that this process makes, wherever it makes them.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "gate/mutex.h"
#include "sqlite/call.h"
#include "vault/call_turn.h"
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
  PasswordTries(const std::string& profile_id, std::chrono::milliseconds pause)
      : pause_(pause),
        turn_("a password of the profile '" + profile_id +
              "' is being tried by another call of this process") {}

  /// As unlock_keys(). Throws also VaultError (PASSWORD_THROTTLED) and Timeout (PROFILE_BUSY), and
  /// tries nothing then.
  [[nodiscard]] ProfileKeys unlock(const KeySlots& slots, std::string_view text, Secret secret,
                                   const Call& call) TURNSTILE_EXCLUDES(turn_);
  /// The profile has other passwords now, which is not undone any more: waits without a deadline
  /// for tries of the former ones.
  void forget() TURNSTILE_EXCLUDES(turn_);

 private:
  const std::chrono::milliseconds pause_;
  CallTurn turn_;
  Throttle throttle_ TURNSTILE_GUARDED_BY(turn_);
};

}  // namespace turnstile::vault
