// What the hashes of a log are made of. Never change it: the hashes in all files are.
//
// Each is a BLAKE2b-256, with the log's key if it has one, of a word that says what it is about and
// of fields that are eight bytes (little-endian) or their length in eight bytes and their bytes, so
// that no two different things give the same input.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "turnstile/audit_trail.h"

namespace turnstile::audit {

/// A log's random name.
using LogId = std::array<std::byte, 16>;
/// Tells keys apart without telling them; all zeros without a key.
using KeyId = std::array<std::byte, 8>;

/// What a log remembers as its newest event. Threads: immutable.
struct Head {
  LogId log{};
  KeyId key{};
  std::int64_t last_id = 0;
  AuditHash last_hash{};
  AuditHash hash{};  ///< Of all this.
};

[[nodiscard]] LogId make_log_id();
[[nodiscard]] KeyId key_id(const AuditKey& key);

/// What the first event of a log follows.
[[nodiscard]] AuditHash hash_of_beginning(const AuditKey& key, const LogId& log);
/// Of an event that follows `previous`.
[[nodiscard]] AuditHash hash_of(const AuditKey& key, const AuditHash& previous, std::int64_t id,
                                const AuditEvent& event);
[[nodiscard]] AuditHash hash_of(const AuditKey& key, const Head& head);
[[nodiscard]] AuditHash hash_of(const AuditKey& key, const AuditSegment& segment);

/// What is wrong with a head, as a clause; empty: nothing.
[[nodiscard]] std::string flaw_of(const std::optional<Head>& head, const AuditKey& key);
/// Throws Error (AUDIT_CHAIN_BROKEN) when there is something wrong with it.
[[nodiscard]] Head require_genuine(const std::optional<Head>& head, const AuditKey& key);
[[nodiscard]] AuditAnchor anchor_of(const Head& head);

/// Where an exported chain begins. Threads: immutable.
struct ExportStart {
  LogId log{};
  KeyId key{};
  std::int64_t after = 0;                    ///< Behind this event.
  std::optional<AuditHash> previous_hash{};  ///< Of that event, if it is known.
};
/// And where it ends. Threads: immutable.
struct ExportEnd {
  std::int64_t events = 0;
  std::int64_t last_id = 0;
  AuditHash last_hash{};
  AuditHash hash{};  ///< Of all this and of the start.
};
[[nodiscard]] AuditHash hash_of(const AuditKey& key, const ExportStart& start,
                                const ExportEnd& end);

}  // namespace turnstile::audit
