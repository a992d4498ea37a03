#include "text/build.h"

#include <limits>
#include <string>

#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "text/sql.h"

namespace turnstile::text {

namespace {

using detail::TextDefinition;

// What a transaction indexes, so that it is over in some 20 ms; of one row more, if it is larger.
constexpr std::int64_t kRowsPerStep = 1000;
constexpr std::int64_t kBytesPerStep = 256 * 1024;

std::int64_t next_key(ReadTx& tx, const TextDefinition& definition) {
  return tx.query<std::int64_t>("SELECT next_key FROM " + definition.build_table()).one();
}

/// Rows from the beginning of what is missing. Threads: immutable.
struct Slice {
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::int64_t rows = 0;
};

Slice next_slice(ReadTx& tx, const TextDefinition& definition) {
  std::string size;
  for (const TextColumn& column : definition.options().columns)
    size +=
        (size.empty() ? "" : " + ") + ("coalesce(octet_length(" + sql_name(column.name)) + "), 0)";
  Slice slice{.first = next_key(tx, definition)};
  std::int64_t bytes = 0;
  for (const auto [key, added] : tx.query<std::int64_t, std::int64_t>(
           "SELECT " + definition.key() + ", " + size + " FROM " + definition.table() + " WHERE " +
               definition.key() + " >= ? ORDER BY 1 LIMIT ?",
           slice.first, kRowsPerStep)) {
    slice.last = key;
    ++slice.rows;
    bytes += added;
    if (bytes >= kBytesPerStep) break;
  }
  return slice;
}

}  // namespace

void begin_build(WriteTx& tx, const TextDefinition& definition) {
  if (definition.state(tx) == TextDefinition::State::Unfinished) return;
  definition.drop(tx);
  definition.create(tx);
}

BuildStep build_step(WriteTx& tx, const TextDefinition& definition) {
  const TextDefinition::State state = definition.state(tx);
  if (state == TextDefinition::State::Ready) return {.finished = true};
  if (state != TextDefinition::State::Unfinished) {
    sqlite::raise_misuse(code("TEXT_INDEX_CHANGED"),
                         "the text index '" + definition.options().name +
                             "' was made anew with other options while it was being built",
                         {.lane = tx.lane()});
  }
  const Slice slice = next_slice(tx, definition);
  if (slice.rows > 0) {
    // In two statements: FTS5 writes out what it has gathered before each statement.
    tx.execute(definition.remove_rows("BETWEEN ? AND ?"), slice.first, slice.last);
    tx.execute(definition.add_rows("BETWEEN ? AND ?"), slice.first, slice.last);
  }
  const bool finished = slice.rows == 0 || slice.last == std::numeric_limits<std::int64_t>::max();
  if (finished)
    tx.execute("DROP TABLE " + definition.build_table());
  else
    tx.execute("UPDATE " + definition.build_table() + " SET next_key = ?", slice.last + 1);
  return {.rows = slice.rows, .finished = finished};
}

BuildSize build_size(ReadTx& tx, const TextDefinition& definition) {
  const std::string count = "SELECT count(*) FROM " + definition.table();
  const auto total = tx.query<std::int64_t>(count).one();
  if (definition.state(tx) != TextDefinition::State::Unfinished) return {total, total};
  const auto missing = tx.query<std::int64_t>(count + " WHERE " + definition.key() + " >= ?",
                                              next_key(tx, definition))
                           .one();
  return {total - missing, total};
}

}  // namespace turnstile::text
