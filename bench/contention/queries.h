// The SQL of all scenarios, the same for every side. A query is a number, so that the C interface's
// side finds its prepared statement without a search, as a program does that keeps it in a member.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "support/table.h"
#include "turnstile/value.h"

namespace turnstile::bench {

enum class Query {
  // The table of the other benchmarks.
  Insert,
  Update,
  Count,
  Select,
  // Five subsystems.
  EntityRead,
  EntityWrite,
  EmbeddingUpsert,
  EmbeddingScan,
  AuditAppend,
  CronRead,
  CronWrite,
  TaskEnqueue,
  TaskFind,
  TaskClaim,
  TaskComplete,
};
inline constexpr std::size_t kQueries = static_cast<std::size_t>(Query::TaskComplete) + 1;

inline constexpr std::array<std::string_view, kQueries> kTexts{
    kInsert,
    kUpdate,
    kCount,
    kSelect,
    "SELECT name, val FROM entity WHERE id = ?1",
    "UPDATE entity SET val = ?2 WHERE id = ?1",
    "INSERT INTO embedding(id, revision, vector) VALUES (?1, 0, ?2) "
    "ON CONFLICT(id) DO UPDATE SET vector = excluded.vector, revision = revision + 1",
    "SELECT id, vector FROM embedding",
    "INSERT INTO audit(at, actor, what) VALUES (?1, ?2, ?3)",
    "SELECT runs FROM cron WHERE id = ?1",
    "UPDATE cron SET runs = ?2 WHERE id = ?1",
    "INSERT INTO task(state, payload) VALUES (0, ?1)",
    "SELECT id FROM task WHERE state = 0 ORDER BY id LIMIT 1",
    "UPDATE task SET state = 1 WHERE id = ?1",
    "UPDATE task SET state = 2 WHERE id = ?1",
};

constexpr std::string_view text_of(Query query) {
  return kTexts[static_cast<std::size_t>(query)];
}

/// The transaction of the writers: a row is added and counted.
template <class Tx>
void small_write(Tx& tx, const Record& record, std::int64_t key) {
  tx.execute(Query::Insert, record.name, record.val, record.payload, record.created);
  tx.execute(Query::Count, key);
}

/// A row by its key, copied into a struct of its own.
template <class Tx>
Record point_read(Tx& tx, std::int64_t key) {
  auto row = tx.template first<std::int64_t, std::string, std::int64_t, Blob, std::int64_t>(
      Query::Select, key);
  Record record;
  if (row) {
    auto& [id, name, val, payload, created] = *row;
    record = {id, std::move(name), val, std::move(payload), created};
  }
  return record;
}

}  // namespace turnstile::bench
