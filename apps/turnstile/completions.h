// Completion scripts, made from the table of commands, so that they know every flag that there is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "command_table.h"

namespace turnstile::cli {

[[nodiscard]] std::string bash_script(const CommandTable& table);
[[nodiscard]] std::string zsh_script(const CommandTable& table);
[[nodiscard]] std::string fish_script(const CommandTable& table);

/// `--param` and `-p`.
[[nodiscard]] std::vector<std::string> spellings_of(const Flag& flag);
[[nodiscard]] std::vector<std::string> spellings_of(std::span<const Flag> flags);

/// The words that may stand in a place; nothing where only the user knows.
[[nodiscard]] std::vector<std::string_view> offers(Words words,
                                                   std::span<const std::string_view> choices,
                                                   const CommandTable& table);

/// In single quotes, for bash and zsh.
[[nodiscard]] std::string shell_quoted(std::string_view text);

}  // namespace turnstile::cli
