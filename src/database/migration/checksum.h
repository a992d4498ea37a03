// What a file remembers of a schema step, so that an edit is noticed.
#pragma once

#include <string>

#include "turnstile/migration.h"

namespace turnstile::database {

/// SHA-256 in hexadecimal of the step's SQL with CR LF as LF; of a function's name and revision.
[[nodiscard]] std::string checksum_of(const Migration& step);

}  // namespace turnstile::database
