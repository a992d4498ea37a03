#include "vault/passwords.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>

#include "failure.h"
#include "interrupts.h"

namespace turnstile::cli {

namespace {

constexpr std::size_t kLongestPassword = 4096;

Failure password_missing(std::string message) {
  return {ExitCode::Password, "PASSWORD_REQUIRED", std::move(message),
          "Give it with --password-fd or TURNSTILE_PASSWORD, or run this at a terminal."};
}

/// All that comes, without the line feed at its end.
Password read_password(int descriptor, std::string_view what, bool to_line_feed) {
  std::string text;
  text.reserve(kLongestPassword + 1);  // So that no copy of it is left behind.
  char byte = 0;
  for (;;) {
    const ssize_t got = ::read(descriptor, &byte, 1);
    if (got == -1 && errno == EINTR) continue;
    if (got == -1)
      throw password_missing(fmt::format("{} cannot be read: {}", what, std::strerror(errno)));
    if (got == 0 || (to_line_feed && byte == '\n')) break;
    text += byte;
    if (text.size() > kLongestPassword)
      throw password_missing(fmt::format("{} has more than {} bytes", what, kLongestPassword));
  }
  if (!to_line_feed && text.ends_with('\n')) text.pop_back();
  return Password(std::move(text));
}

/// The terminal without echo, for as long as it exists, or until a signal ends the program.
///
/// Threads: confined.
class SilentTerminal {
 public:
  explicit SilentTerminal(Interrupts& interrupts)
      : descriptor_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)),
        restore_(interrupts, [this] { restore(); }) {
    if (descriptor_ == -1 || ::tcgetattr(descriptor_, &former_) != 0) return;
    termios silent = former_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    is_silent_ = ::tcsetattr(descriptor_, TCSAFLUSH, &silent) == 0;
  }
  ~SilentTerminal() {
    restore();
    if (descriptor_ != -1) ::close(descriptor_);
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;

  [[nodiscard]] bool is_ready() const noexcept { return is_silent_; }
  [[nodiscard]] Password ask(std::string_view what) const {
    say(fmt::format("{}: ", what));
    Password password = read_password(descriptor_, what, true);
    say("\n");
    return password;
  }

 private:
  void say(std::string_view text) const {
    static_cast<void>(::write(descriptor_, text.data(), text.size()));
  }
  void restore() const noexcept {
    if (is_silent_) ::tcsetattr(descriptor_, TCSAFLUSH, &former_);
  }

  int descriptor_;
  termios former_{};
  bool is_silent_ = false;
  Interrupts::StopAction restore_;
};

std::optional<Password> given_password(const Context& context, std::string_view flag,
                                       const char* variable, std::string_view what) {
  constexpr std::int64_t kMostDescriptors = 1 << 20;
  if (const auto number = context.arguments.integer(flag, 0, kMostDescriptors))
    return read_password(static_cast<int>(*number), what, false);
  if (const char* text = std::getenv(variable)) return Password(text);
  return std::nullopt;
}

}  // namespace

Password::Password(std::string text) noexcept : text_(std::move(text)) {}
Password::Password(Password&& other) noexcept : text_(std::move(other.text_)) {
  ::explicit_bzero(other.text_.data(), other.text_.size());
}
Password::~Password() {
  ::explicit_bzero(text_.data(), text_.size());
}

Password ask_password(Context& context, std::string_view what) {
  if (auto given = given_password(context, "--password-fd", "TURNSTILE_PASSWORD", what))
    return *std::move(given);
  const SilentTerminal terminal(context.interrupts);
  if (!terminal.is_ready()) throw password_missing(fmt::format("{} is needed", what));
  return terminal.ask(what);
}

bool is_password_given(const Context& context) {
  return context.arguments.has("--password-fd") || std::getenv("TURNSTILE_PASSWORD") != nullptr;
}

Password ask_new_password(Context& context, std::string_view what) {
  if (auto given = given_password(context, "--new-password-fd", "TURNSTILE_NEW_PASSWORD", what))
    return *std::move(given);
  const SilentTerminal terminal(context.interrupts);
  if (!terminal.is_ready()) {
    throw Failure(ExitCode::Password, "PASSWORD_REQUIRED", fmt::format("{} is needed", what),
                  "Give it with --new-password-fd or TURNSTILE_NEW_PASSWORD, or run this at a "
                  "terminal.");
  }
  Password password = terminal.ask(what);
  if (terminal.ask(fmt::format("{}, once more", what)).text() != password.text())
    throw usage_failure("the two passwords differ", "Try again; nothing was changed.");
  return password;
}

}  // namespace turnstile::cli
