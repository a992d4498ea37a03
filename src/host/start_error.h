// How failures of phases and components are told.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "sqlite/call.h"
#include "sqlite/exception_text.h"
#include "turnstile/host.h"

namespace turnstile::host {

using sqlite::text_of;

/// The hint of an Error; empty for others.
[[nodiscard]] std::string hint_of(const std::exception_ptr& cause);

/// `kind` is `phase` or `component`, `part` its name. `default_code` is for what is no Error, and
/// `aside` what else went wrong.
[[nodiscard]] StartError start_error(std::string_view kind, const std::string& part,
                                     std::string_view default_code, const std::exception_ptr& cause,
                                     const Call& call, const std::string& aside = {});

}  // namespace turnstile::host
