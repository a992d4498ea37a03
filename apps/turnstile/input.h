// Whole texts from files and from standard input.
#pragma once

#include <string>

namespace turnstile::cli {

/// Throws Failure (INPUT_NOT_FOUND, INPUT_UNREADABLE).
[[nodiscard]] std::string read_file(const std::string& path);

/// Throws Failure (INPUT_UNREADABLE).
[[nodiscard]] std::string read_standard_input();

}  // namespace turnstile::cli
