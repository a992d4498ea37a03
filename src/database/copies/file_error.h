// What a system call on a file says, as the library's errors.
#pragma once

#include <string_view>

#include "sqlite/call.h"

namespace turnstile::database {

/// Throws StorageError for `cause`, an errno; `what` is a clause such as `cannot write '/x/copy'`.
[[noreturn]] void raise_file_error(int cause, std::string_view what, const Call& call);

}  // namespace turnstile::database
