// The help and the manual page, made from the table of commands.
#pragma once

#include <string>

#include "command_table.h"

namespace turnstile::cli {

/// What `turnstile` and `turnstile help` print.
[[nodiscard]] std::string overview(const CommandTable& table);

/// What `turnstile help COMMAND` prints.
[[nodiscard]] std::string help_of(const Command& command);

/// What `turnstile help GROUP` prints.
[[nodiscard]] std::string help_of(const Group& group);

/// The source of turnstile(1), for man(7)'s macros.
[[nodiscard]] std::string man_page(const CommandTable& table);

}  // namespace turnstile::cli
