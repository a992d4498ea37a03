// The tables of the tasks.
#pragma once

#include "turnstile/migration.h"

namespace turnstile::tasks {

/// The steps of the component `tasks`.
[[nodiscard]] const Migrations& schema();

}  // namespace turnstile::tasks
