#include "failures.h"

namespace kb {

bool is_lock_failure(const turnstile::Error& error) {
  // Primary result codes of https://sqlite.org/rescode.html; the rest of the number is detail.
  constexpr int kBusy = 5;
  constexpr int kLocked = 6;
  constexpr int kProtocol = 15;
  const int primary = error.sqlite_code() & 0xFF;
  return dynamic_cast<const turnstile::Timeout*>(&error) != nullptr || primary == kBusy ||
         primary == kLocked || primary == kProtocol;
}

void FailureCount::note_current() noexcept {
  try {
    throw;
  } catch (const turnstile::Error& error) {
    ++(is_lock_failure(error) ? lock_failures_ : others_);
  } catch (...) {
    ++others_;
  }
}

}  // namespace kb
