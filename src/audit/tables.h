// The tables of a log, and their rows as values. Whatever somebody has put into them can be read:
// what does not fit becomes a value that no hash is right for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/chain.h"
#include "turnstile/migration.h"
#include "turnstile/transaction.h"

namespace turnstile::audit {

inline constexpr std::string_view kComponent = "audit";

/// The actions of the log itself.
inline constexpr std::string_view kOwnActions = "audit.";
inline constexpr std::string_view kGap = "audit.gap";
inline constexpr std::string_view kBreak = "audit.break";

[[nodiscard]] Migrations steps(const AuditKey& key);

/// Throws Error (AUDIT_NOT_FOUND) unless the file has the tables.
void require_log(ReadTx& tx);

/// Nothing when the row is gone.
[[nodiscard]] std::optional<Head> read_head(ReadTx& tx);
void write_head(WriteTx& tx, const Head& head);

/// Those whose last event is `from` or a later one, oldest first.
[[nodiscard]] std::vector<AuditSegment> read_segments(ReadTx& tx, std::int64_t from);
[[nodiscard]] std::optional<AuditSegment> read_last_segment(ReadTx& tx);
void write_segment(WriteTx& tx, const AuditSegment& segment);

inline constexpr std::string_view kRecordColumns =
    "id, time, actor, action, subject, detail, trace, session, previous_hash, hash";
/// A row of kRecordColumns.
[[nodiscard]] AuditRecord record_from(const Row& row);
/// The same, also where a value is of another type, for which somebody has to have made the table
/// anew: `fault` says so, and the record has its id and a time.
struct RecordOrFault {
  AuditRecord record{};
  std::string fault{};
};
[[nodiscard]] RecordOrFault read_record(const Row& row);

/// What the next event follows.
struct Tail {
  std::int64_t id = 0;
  AuditHash hash{};
};
/// The newest event that the tables have, or had before it was pruned; nothing when there never was
/// one.
[[nodiscard]] std::optional<Tail> read_tail(ReadTx& tx);

}  // namespace turnstile::audit
