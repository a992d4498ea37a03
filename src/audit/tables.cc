#include "audit/tables.h"

#include <algorithm>
#include <string>

#include "audit/times.h"
#include "sqlite/error_code.h"

namespace turnstile::audit {

namespace {

// Texts that an event does not have are empty, not NULL: there is one way of saying it. The indexes
// on them leave such rows out.
constexpr std::string_view kTables = R"sql(
CREATE TABLE audit_event(
  id INTEGER PRIMARY KEY CHECK(id > 0),
  time INTEGER NOT NULL,
  actor TEXT NOT NULL CHECK(actor <> ''),
  action TEXT NOT NULL CHECK(action <> ''),
  subject TEXT NOT NULL,
  detail TEXT NOT NULL,
  trace TEXT NOT NULL,
  session TEXT NOT NULL,
  previous_hash BLOB NOT NULL,
  hash BLOB NOT NULL
) STRICT;
CREATE INDEX audit_event_time ON audit_event(time);
CREATE INDEX audit_event_actor ON audit_event(actor);
CREATE INDEX audit_event_action ON audit_event(action);
CREATE INDEX audit_event_subject ON audit_event(subject) WHERE subject <> '';
CREATE INDEX audit_event_trace ON audit_event(trace) WHERE trace <> '';
CREATE INDEX audit_event_session ON audit_event(session) WHERE session <> '';
CREATE TABLE audit_segment(
  id INTEGER PRIMARY KEY,
  first_id INTEGER NOT NULL,
  last_id INTEGER NOT NULL,
  events INTEGER NOT NULL,
  flaws INTEGER NOT NULL,
  first_time INTEGER NOT NULL,
  last_time INTEGER NOT NULL,
  sealed_at INTEGER NOT NULL,
  previous_hash BLOB NOT NULL,
  last_hash BLOB NOT NULL,
  hash BLOB NOT NULL
) STRICT;
CREATE TABLE audit_head(
  id INTEGER PRIMARY KEY CHECK(id = 1),
  log BLOB NOT NULL,
  key BLOB NOT NULL,
  last_id INTEGER NOT NULL,
  last_hash BLOB NOT NULL,
  hash BLOB NOT NULL
) STRICT;
)sql";

/// Zeros for a blob of another size.
template <class Bytes>
Bytes bytes_of(const Row& row, int column) {
  Bytes bytes{};
  const auto blob = row.get<BlobView>(column);
  if (blob.size() == bytes.size()) std::copy(blob.begin(), blob.end(), bytes.begin());
  return bytes;
}

std::chrono::system_clock::time_point time_of(const Row& row, int column) {
  return from_microseconds(row.get<std::int64_t>(column));
}

AuditSegment segment_from(const Row& row) {
  AuditSegment segment;
  segment.id = row.get<std::int64_t>(0);
  segment.first_id = row.get<std::int64_t>(1);
  segment.last_id = row.get<std::int64_t>(2);
  segment.events = row.get<std::int64_t>(3);
  segment.flaws = row.get<std::int64_t>(4);
  segment.first_time = time_of(row, 5);
  segment.last_time = time_of(row, 6);
  segment.sealed_at = time_of(row, 7);
  segment.previous_hash = bytes_of<AuditHash>(row, 8);
  segment.last_hash = bytes_of<AuditHash>(row, 9);
  segment.hash = bytes_of<AuditHash>(row, 10);
  return segment;
}

constexpr std::string_view kSegments =
    "SELECT id, first_id, last_id, events, flaws, first_time, last_time, sealed_at, "
    "previous_hash, last_hash, hash FROM audit_segment ";

}  // namespace

Migrations steps(const AuditKey& key) {
  const auto begin_chain = [key](WriteTx& tx) {
    Head head;
    head.log = make_log_id();
    head.key = key_id(key);
    head.last_hash = hash_of_beginning(key, head.log);
    head.hash = hash_of(key, head);
    write_head(tx, head);
  };
  return {{.version = 1, .name = "tables", .sql = std::string(kTables)},
          {.version = 2, .name = "begin the chain", .apply = begin_chain, .revision = "1"}};
}

void require_log(ReadTx& tx) {
  const int tables = tx.query<int>(
                           "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name IN "
                           "('audit_event', 'audit_segment', 'audit_head')")
                         .one();
  if (tables == 3) return;
  Error::Details details;
  details.code = code("AUDIT_NOT_FOUND");
  details.message = tables == 0 ? "the file has no audit log"
                                : "the file has only " + std::to_string(tables) +
                                      " of the 3 tables of an audit log";
  details.lane = tx.lane();
  throw Error(std::move(details));
}

std::optional<Head> read_head(ReadTx& tx) {
  for (const Row row : tx.query("SELECT log, key, last_id, last_hash, hash FROM audit_head")) {
    Head head;
    head.log = bytes_of<LogId>(row, 0);
    head.key = bytes_of<KeyId>(row, 1);
    head.last_id = row.get<std::int64_t>(2);
    head.last_hash = bytes_of<AuditHash>(row, 3);
    head.hash = bytes_of<AuditHash>(row, 4);
    return head;
  }
  return std::nullopt;
}

void write_head(WriteTx& tx, const Head& head) {
  tx.execute(
      "INSERT INTO audit_head(id, log, key, last_id, last_hash, hash) VALUES (1, ?, ?, ?, ?, ?) "
      "ON CONFLICT(id) DO UPDATE SET log = excluded.log, key = excluded.key, "
      "last_id = excluded.last_id, last_hash = excluded.last_hash, hash = excluded.hash",
      head.log, head.key, head.last_id, head.last_hash, head.hash);
}

std::vector<AuditSegment> read_segments(ReadTx& tx, std::int64_t from) {
  std::vector<AuditSegment> segments;
  for (const Row row : tx.query(std::string(kSegments) + "WHERE last_id >= ? ORDER BY id", from))
    segments.push_back(segment_from(row));
  return segments;
}

std::optional<AuditSegment> read_last_segment(ReadTx& tx) {
  for (const Row row : tx.query(std::string(kSegments) + "ORDER BY id DESC LIMIT 1"))
    return segment_from(row);
  return std::nullopt;
}

void write_segment(WriteTx& tx, const AuditSegment& segment) {
  tx.execute(
      "INSERT OR REPLACE INTO audit_segment(id, first_id, last_id, events, flaws, first_time, "
      "last_time, sealed_at, previous_hash, last_hash, hash) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      segment.id, segment.first_id, segment.last_id, segment.events, segment.flaws,
      segment.first_time, segment.last_time, segment.sealed_at, segment.previous_hash,
      segment.last_hash, segment.hash);
}

AuditRecord record_from(const Row& row) {
  AuditRecord record;
  record.id = row.get<std::int64_t>(0);
  record.event.time = time_of(row, 1);
  record.event.actor = row.get<std::string>(2);
  record.event.action = row.get<std::string>(3);
  record.event.subject = row.get<std::string>(4);
  record.event.detail = row.get<std::string>(5);
  record.event.trace = row.get<std::string>(6);
  record.event.session = row.get<std::string>(7);
  record.previous_hash = bytes_of<AuditHash>(row, 8);
  record.hash = bytes_of<AuditHash>(row, 9);
  return record;
}

RecordOrFault read_record(const Row& row) {
  RecordOrFault result;
  try {
    result.record = record_from(row);
  } catch (const MisuseError& error) {
    result.record.id = row.get<std::int64_t>(0);
    result.record.event.time.emplace();
    result.fault = error.message();
  }
  return result;
}

std::optional<Tail> read_tail(ReadTx& tx) {
  for (const Row row : tx.query("SELECT id, hash FROM audit_event ORDER BY id DESC LIMIT 1"))
    return Tail{row.get<std::int64_t>(0), bytes_of<AuditHash>(row, 1)};
  const auto segment = read_last_segment(tx);
  if (!segment) return std::nullopt;
  return Tail{segment->last_id, segment->last_hash};
}

}  // namespace turnstile::audit
