// Which failures of the storage a limit on the size of files explains, and which nothing does.
#pragma once

#include "turnstile/error.h"

namespace turnstile::cli::torture {

/// What is in the file is not what was written: damaged, or no database. No limit does that.
[[nodiscard]] bool is_damage(const Error& error) noexcept;
/// There was no room for what was to be written, on the disk or below a limit on the size of files.
[[nodiscard]] bool is_out_of_room(const Error& error) noexcept;

}  // namespace turnstile::cli::torture
