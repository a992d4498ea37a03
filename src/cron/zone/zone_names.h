// Where the system keeps its time zones, and which of their names a mistyped one was meant to be.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace turnstile::cron {

/// $TZDIR, or the usual place.
[[nodiscard]] std::filesystem::path zone_directory();

/// The most similar name, by the whole of it or by its last part (`berlin`); empty when none is.
[[nodiscard]] std::string nearest_zone(std::string_view name);

}  // namespace turnstile::cron
