// An item as a line of JSON, which is what `vec put` reads.
#pragma once

#include <string>
#include <string_view>

#include "turnstile/vectors.h"

namespace turnstile::cli {

/// Throws Failure (USAGE), beginning with `what`.
[[nodiscard]] VectorItem item_from_line(std::string_view line, const std::string& what);

}  // namespace turnstile::cli
