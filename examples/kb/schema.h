// The tables, as schema steps for Options::migrations.
#pragma once

#include "turnstile/migration.h"

namespace kb {

[[nodiscard]] turnstile::Migrations schema();

}  // namespace kb
