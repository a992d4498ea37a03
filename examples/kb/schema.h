// The tables, as steps that Database::open runs before anybody can use the file.
#pragma once

#include "turnstile/migration.h"

namespace kb {

[[nodiscard]] turnstile::Migrations schema();

}  // namespace kb
