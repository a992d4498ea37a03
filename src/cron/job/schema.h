// The tables of the subsystem.
#pragma once

#include <string_view>

#include "turnstile/migration.h"

namespace turnstile::cron {

inline constexpr std::string_view kComponent = "cron";

[[nodiscard]] Migrations cron_schema();

}  // namespace turnstile::cron
