// Reads the conditions of a search from text. A small language of its own, and not SQL, so that
// nothing that a person types gets into a statement.
#pragma once

#include <source_location>
#include <string_view>
#include <vector>

#include "turnstile/vector_filter.h"

namespace turnstile::vectors {

/// See VectorFilter::parse().
[[nodiscard]] std::vector<VectorCondition> parse_filter(std::string_view text,
                                                        std::source_location where);

}  // namespace turnstile::vectors
