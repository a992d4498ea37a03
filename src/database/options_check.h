// Checks of what a caller asked for, before anything is touched.
#pragma once

#include <source_location>
#include <string_view>

#include "turnstile/options.h"

namespace turnstile::database {

/// A path or a `file:` URI with the options that it stands for. Throws MisuseError (URI_INVALID).
[[nodiscard]] OpenTarget to_target(std::string_view path, Options options,
                                   std::source_location where);

/// Throws MisuseError (OPTION_INVALID, MIGRATION_INVALID) for a value out of its range.
void validate(const Options& options, std::source_location where);

/// Throws MisuseError (OPTION_INVALID).
void validate(const SqlDefinitions& definitions, std::source_location where);

/// Sets what the program left to the library.
void fill_in(Options& options) noexcept;

}  // namespace turnstile::database
