// The one table of exit statuses, and the one place that says which failure gives which.
// `turnstile help exit-codes` prints the table; a test compares it with docs/reference/cli.md.
#pragma once

#include <array>
#include <string_view>

#include "turnstile/error.h"

namespace turnstile::cli {

enum class ExitCode : int {
  Done = 0,
  No = 1,
  Findings = 2,
  Usage = 3,
  NotFound = 4,
  TimedOut = 5,
  Storage = 6,
  Password = 7,
  Interrupted = 130,
};

/// Threads: immutable.
struct ExitCodeInfo {
  ExitCode code;
  std::string_view meaning;
};

inline constexpr auto kExitCodes = std::to_array<ExitCodeInfo>({
    {ExitCode::Done, "done"},
    {ExitCode::No, "done, but the answer is \"no\" or findings are warnings"},
    {ExitCode::Findings, "findings are errors, or verification failed"},
    {ExitCode::Usage, "bad usage or bad input"},
    {ExitCode::NotFound, "not found"},
    {ExitCode::TimedOut, "timed out waiting; the holder is named"},
    {ExitCode::Storage, "storage error: full, I/O, permission, corrupt"},
    {ExitCode::Password, "wrong password or locked vault"},
    {ExitCode::Interrupted, "interrupted"},
});

/// The status for what the library threw.
[[nodiscard]] ExitCode exit_code_of(const Error& error) noexcept;

}  // namespace turnstile::cli
