#pragma once

#include <source_location>

#include "turnstile/audit.h"

namespace turnstile::audit {

/// The event as it is stored: what its caller left out filled in, its detail compact. Throws
/// MisuseError (AUDIT_EVENT_INVALID).
[[nodiscard]] AuditEvent checked(AuditEvent event, const AuditOptions& options,
                                 std::source_location where);

/// The time of what happens now.
[[nodiscard]] std::chrono::system_clock::time_point now(const AuditOptions& options);

/// Throws MisuseError (OPTION_INVALID).
void check(const AuditOptions& options, std::source_location where);

}  // namespace turnstile::audit
