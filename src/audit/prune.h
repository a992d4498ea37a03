#pragma once

#include <source_location>

#include "turnstile/audit.h"

namespace turnstile::audit {

/// See AuditLog::prune().
[[nodiscard]] AuditPruneReport prune(const Lane& lane, const AuditOptions& log,
                                     const AuditRetention& retention,
                                     const AuditPruneOptions& options, std::source_location where);

}  // namespace turnstile::audit
