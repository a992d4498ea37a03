#include "vectors/tables.h"

#include <algorithm>
#include <string_view>

#include "vectors/definition.h"

namespace turnstile::vectors {

namespace {

constexpr std::string_view kFixedTables = R"sql(
CREATE TABLE vector_collection(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE,
  dimension INTEGER NOT NULL,
  model TEXT NOT NULL,
  metric TEXT NOT NULL,
  element TEXT NOT NULL,
  storage TEXT NOT NULL,
  codes TEXT NOT NULL,
  partition_column TEXT NOT NULL,
  columns TEXT NOT NULL,
  block_size INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE vector_pending(
  mark INTEGER PRIMARY KEY AUTOINCREMENT,
  collection INTEGER NOT NULL REFERENCES vector_collection(id) ON DELETE CASCADE,
  id TEXT NOT NULL,
  version INTEGER NOT NULL,
  due INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '',
  UNIQUE(collection, id)
) STRICT;
CREATE INDEX vector_pending_due ON vector_pending(collection, due);
)sql";

std::string_view sql_type(VectorColumnType type) noexcept {
  switch (type) {
    case VectorColumnType::Text:
      return "TEXT";
    case VectorColumnType::Integer:
      return "INTEGER";
    case VectorColumnType::Real:
      return "REAL";
  }
  return "";
}

std::string_view vec0_type(VectorColumnType type) noexcept {
  return type == VectorColumnType::Real ? "FLOAT" : sql_type(type);
}

std::string vec0_vector_type(const VectorDefinition& definition) {
  const std::string size = "[" + std::to_string(definition.dimension) + "]";
  switch (definition.element) {
    case VectorElement::Float32:
      return "float" + size;
    case VectorElement::Int8:
      return "int8" + size;
    case VectorElement::Bit:
      return "bit" + size;
  }
  return {};
}

std::string item_sql(const Tables& tables) {
  std::string sql = "CREATE TABLE " + tables.item +
                    "(slot INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, "
                    "version INTEGER NOT NULL, payload TEXT NOT NULL";
  for (const VectorColumn& column : tables.columns)
    sql.append(", ").append(sql_name(column.name)).append(" ").append(sql_type(column.type)) +=
        " NOT NULL";
  return sql + ") STRICT";
}

// The index finds the blocks of a partition, and the fullest one that has room.
std::string block_sql(const Tables& tables, const VectorDefinition& definition) {
  const bool texts = definition.partition && definition.partition->type == VectorColumnType::Text;
  return "CREATE TABLE " + tables.block + "(block INTEGER PRIMARY KEY, part " +
         (texts ? "TEXT" : "INTEGER") +
         ", used INTEGER NOT NULL, live BLOB NOT NULL, records BLOB NOT NULL) STRICT;"
         "CREATE INDEX " +
         tables.block + "_part ON " + tables.block + "(part, used)";
}

// A chunk is allocated as a whole for each partition, so that it had better be small there.
std::string vec0_sql(const Tables& tables, const VectorDefinition& definition) {
  std::string sql = "CREATE VIRTUAL TABLE " + tables.vec0 +
                    " USING vec0(slot INTEGER PRIMARY KEY, vector " + vec0_vector_type(definition);
  if (definition.metric == VectorMetric::Cosine) sql += " distance_metric=cosine";
  if (definition.metric == VectorMetric::L2) sql += " distance_metric=l2";
  if (definition.partition)
    sql.append(", ")
        .append(definition.partition->name)
        .append(" ")
        .append(vec0_type(definition.partition->type)) += " partition key";
  for (const VectorColumn& column : definition.columns)
    sql.append(", ").append(column.name).append(" ").append(vec0_type(column.type));
  return sql + ", +id TEXT, chunk_size=" + (definition.partition ? "128" : "1024") + ")";
}

std::string parameters(std::size_t count) {
  std::string text = "?";
  for (std::size_t i = 1; i < count; ++i)
    text += ", ?";
  return text;
}

}  // namespace

Migrations schema_steps() {
  return {{.version = 1, .name = "collections and marks", .sql = std::string(kFixedTables)}};
}

int block_size_for(std::size_t record_size) noexcept {
  // An upsert writes whole blocks, so that they should be small; a scan reads them page by page,
  // so that a page should not be half empty at their end.
  constexpr std::size_t kBlockBytes = 32000;
  constexpr std::size_t kStep = 8;  // Of a block's places, which are bits of whole bytes.
  constexpr std::size_t kMost = 512;
  const std::size_t fitting = kBlockBytes / record_size / kStep * kStep;
  return static_cast<int>(std::clamp(fitting, kStep, kMost));
}

Tables::Tables(std::int64_t collection, const VectorDefinition& definition)
    : number(collection), columns(all_columns(definition)) {
  const std::string prefix = "vector_" + std::to_string(number) + "_";
  item = prefix + "item";
  exact = prefix + "exact";
  block = prefix + "block";
  vec0 = prefix + "vec0";
  std::string names;
  for (const VectorColumn& column : columns)
    names += ", " + sql_name(column.name);
  find_item = "SELECT slot, version FROM " + item + " WHERE id = ?";
  select_item = "SELECT id, version, payload" + names + " FROM " + item + " WHERE slot = ?";
  replace_item = "REPLACE INTO " + item + "(slot, id, version, payload" + names + ") VALUES (" +
                 parameters(4 + columns.size()) + ")";
  delete_item = "DELETE FROM " + item + " WHERE slot = ?";
  select_exact = "SELECT vector FROM " + exact + " WHERE slot = ?";
  replace_exact = "REPLACE INTO " + exact + "(slot, vector) VALUES (?, ?)";
  delete_exact = "DELETE FROM " + exact + " WHERE slot = ?";
}

void create_tables(WriteTx& tx, const Tables& tables, const VectorDefinition& definition) {
  tx.execute(item_sql(tables));
  tx.execute("CREATE TABLE " + tables.exact +
             "(slot INTEGER PRIMARY KEY, vector BLOB NOT NULL) STRICT");
  if (definition.storage == VectorStorage::Packed)
    tx.execute_script(block_sql(tables, definition));
  else
    tx.execute(vec0_sql(tables, definition));
}

void drop_tables(WriteTx& tx, const Tables& tables, const VectorDefinition& definition) {
  tx.execute("DROP TABLE " + tables.item);
  tx.execute("DROP TABLE " + tables.exact);
  tx.execute("DROP TABLE " +
             (definition.storage == VectorStorage::Packed ? tables.block : tables.vec0));
}

}  // namespace turnstile::vectors
