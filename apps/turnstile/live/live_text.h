// A look at a database as lines for a terminal.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "live/live_view.h"
#include "output.h"

namespace turnstile::cli {

/// What fits into 80 columns; with more, statements are longer. A line is never wider than
/// `columns`.
[[nodiscard]] std::vector<std::string> live_lines(const LiveView& view, const Style& style,
                                                  std::size_t columns);

}  // namespace turnstile::cli
