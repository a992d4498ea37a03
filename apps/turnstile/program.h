// Runs one command and turns how it ended into an exit status. All there is to say on the way out
// is said here and in failure.cc.
#pragma once

#include <string>
#include <vector>

#include "command_table.h"

namespace turnstile::cli {

/// `words` are without the program's name. Reports failures on standard error; throws nothing but
/// what is no std::exception.
[[nodiscard]] ExitCode run_program(const std::vector<std::string>& words,
                                   const CommandTable& table);

}  // namespace turnstile::cli
