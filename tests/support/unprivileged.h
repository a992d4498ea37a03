// Runs a part of a test without root's power to ignore permissions.
#pragma once

#include <unistd.h>

#include <string>

#include "support/forked.h"

namespace turnstile::test {

/// What `body` returns, a string, when run by a child process as the user `nobody` if this process
/// is root, and as the same user otherwise. An exception becomes its text.
template <class F>
[[nodiscard]] std::string unprivileged(F&& body) {
  return in_child([&]() -> std::string {
    constexpr uid_t kNobody = 65534;
    if (::geteuid() == 0 && (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0))
      return "cannot become nobody";
    return body();
  });
}

}  // namespace turnstile::test
