// What the audit log says of the knowledge base.
#pragma once

namespace kb::action {

inline constexpr const char* kAdded = "document.added";
inline constexpr const char* kChanged = "document.changed";
inline constexpr const char* kRemoved = "document.removed";
inline constexpr const char* kEmbedded = "document.embedded";
inline constexpr const char* kScanStarted = "scan.started";
inline constexpr const char* kScanEnded = "scan.ended";

}  // namespace kb::action
