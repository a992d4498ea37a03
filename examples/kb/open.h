// The one place that opens the database, and so the one place that knows its settings.
#pragma once

#include "commands.h"
#include "turnstile/database.h"

namespace kb {

/// Opens the knowledge base and brings its tables into being; several processes may do that at the
/// same moment.
[[nodiscard]] turnstile::Database open_for_writing(const Common& common);

/// Opens an existing one just to look at it.
[[nodiscard]] turnstile::Database open_for_reading(const Common& common);

}  // namespace kb
