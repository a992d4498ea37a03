// What a system call on a file says, as the library's errors.
#pragma once

#include <string_view>

#include "sqlite/call.h"
#include "sqlite/error_code.h"

namespace turnstile::database {

/// Throws StorageError for `cause`, an errno; `what` is a clause such as `cannot write '/x/copy'`.
/// `otherwise` is the code of what is neither a right, a directory nor room that is missing.
[[noreturn]] void raise_file_error(int cause, std::string_view what, const Call& call,
                                   std::string_view otherwise = code("DB_IO"));

}  // namespace turnstile::database
