// How this layer says that something is wrong.
#pragma once

#include <source_location>
#include <string>
#include <string_view>

namespace turnstile::vectors {

/// Throws MisuseError: what the program asks for cannot be.
[[noreturn]] void refuse(std::string_view code, std::string message, std::string hint = {},
                         std::source_location where = std::source_location::current());

/// Throws Error: the file is not as the program expects it.
[[noreturn]] void fail(std::string_view code, std::string message, std::string hint = {},
                       std::source_location where = std::source_location::current());

/// A name for a message: in quotes, cut off where it is long.
[[nodiscard]] std::string in_quotes(std::string_view name);

}  // namespace turnstile::vectors
