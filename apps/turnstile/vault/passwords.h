// Where passwords come from: a file descriptor, the environment or a prompt, and never a word of
// the command line, which every user of the machine can see.
#pragma once

#include <string>
#include <string_view>

#include "context.h"

namespace turnstile::cli {

/// A text that is overwritten when it goes. Threads: confined.
class Password {
 public:
  explicit Password(std::string text) noexcept;
  Password(Password&& other) noexcept;
  Password& operator=(Password&&) = delete;
  Password(const Password&) = delete;
  Password& operator=(const Password&) = delete;
  ~Password();

  [[nodiscard]] std::string_view text() const noexcept { return text_; }

 private:
  std::string text_;
};

/// From --password-fd, TURNSTILE_PASSWORD, or a prompt. `what`: `the password of 'work'`. Throws
/// Failure (PASSWORD_REQUIRED) where there is none of them.
[[nodiscard]] Password ask_password(Context& context, std::string_view what);
/// Whether there is one of the first two.
[[nodiscard]] bool is_password_given(const Context& context);
/// From --new-password-fd, TURNSTILE_NEW_PASSWORD, or a prompt, which asks twice.
[[nodiscard]] Password ask_new_password(Context& context, std::string_view what);

}  // namespace turnstile::cli
