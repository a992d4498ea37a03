// The examination with what a test may put in the place of the machine.
#pragma once

#include <filesystem>
#include <string_view>

#include "diagnose/doctor/file_facts.h"
#include "turnstile/doctor.h"

namespace turnstile::diagnose {

[[nodiscard]] DoctorReport examine(std::string_view path, const DoctorOptions& options,
                                   const StatFileSystem& stat);

/// Absolute, and as far as it is there without symbolic links. Throws MisuseError (OPTION_INVALID).
[[nodiscard]] std::filesystem::path resolve(std::string_view path);

}  // namespace turnstile::diagnose
