// Texts from files and from standard input.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace turnstile::cli {

/// Throws Failure (INPUT_NOT_FOUND, INPUT_UNREADABLE).
[[nodiscard]] std::string read_file(const std::string& path);

/// Throws Failure (INPUT_UNREADABLE).
[[nodiscard]] std::string read_standard_input();

/// Calls `use` with each line of standard input as it comes, and its number from 1. Throws Failure
/// (INPUT_UNREADABLE), also for a line of more than 64 MiB, and what `use` throws.
void for_each_input_line(const std::function<void(const std::string&, std::int64_t)>& use);

}  // namespace turnstile::cli
