#include "vectors/catalog.h"

#include <string>
#include <tuple>
#include <utility>

#include "sqlite/error_code.h"
#include "vectors/codes.h"
#include "vectors/definition.h"
#include "vectors/fail.h"
#include "vectors/tables.h"
#include "vectors/vec0_index.h"

namespace turnstile::vectors {

namespace {

template <class T>
T known(std::span<const T> all, std::string_view name) {
  if (const auto value = named(all, name)) return *value;
  fail(code("DB_CORRUPT"),
       "vector_collection has " + in_quotes(name) +
           ", which this version of the library does not know",
       "Use a newer version of the library, or restore a backup.");
}

bool has_catalog(ReadTx& tx) {
  return tx.query<std::int64_t>(
               "SELECT count(*) FROM sqlite_schema WHERE name = 'vector_collection'")
             .one() > 0;
}

}  // namespace

std::optional<CatalogEntry> find_collection(ReadTx& tx, std::string_view name) {
  // A file that was opened for reading only may never have had a store.
  if (!has_catalog(tx)) return std::nullopt;
  Statement select = tx.prepare(
      "SELECT id, dimension, model, metric, element, storage, codes, partition_column, columns, "
      "block_size FROM vector_collection WHERE name = ?");
  for (const auto& [number, dimension, model, metric, element, storage, codes, partition, columns,
                    block_size] :
       select.query<std::int64_t, int, std::string, std::string, std::string, std::string,
                    std::string, std::string, std::string, int>(name)) {
    CatalogEntry entry{number, std::string(name), {}, block_size};
    VectorDefinition& definition = entry.definition;
    definition.dimension = dimension;
    definition.model = model;
    definition.metric = known(all_metrics(), metric);
    definition.element = known(all_elements(), element);
    definition.storage = known(all_storages(), storage);
    definition.codes = known(all_codes(), codes);
    if (!partition.empty()) definition.partition = read_columns(partition).front();
    definition.columns = read_columns(columns);
    return entry;
  }
  return std::nullopt;
}

CatalogEntry make_collection(WriteTx& tx, std::string_view name, const VectorDefinition& definition,
                             Time now) {
  const int block_size = block_size_for(CodeFormat(definition).record_size());
  const std::string partition =
      definition.partition ? write_columns({&*definition.partition, 1}) : std::string();
  const auto number =
      tx.execute(
            "INSERT INTO vector_collection(name, dimension, model, metric, element, storage, "
            "codes, partition_column, columns, block_size, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            name, definition.dimension, definition.model, to_string(*definition.metric),
            to_string(definition.element), to_string(definition.storage),
            to_string(definition.codes), partition, write_columns(definition.columns), block_size,
            now)
          .last_insert_rowid;
  create_tables(tx, Tables(number, definition), definition);
  return {number, std::string(name), definition, block_size};
}

void drop_collection(WriteTx& tx, const CatalogEntry& entry) {
  tx.execute("DELETE FROM vector_pending WHERE collection = ?", entry.number);
  tx.execute("DELETE FROM vector_collection WHERE id = ?", entry.number);
  drop_tables(tx, Tables(entry.number, entry.definition), entry.definition);
}

void require_extension(ReadTx& tx, const VectorDefinition& definition, std::source_location where) {
  if (definition.storage != VectorStorage::SqliteVec || has_vec0(tx)) return;
  fail(code("VECTOR_EXTENSION_MISSING"),
       "the collection is kept by sqlite-vec, which the connections have not loaded", {}, where);
}

}  // namespace turnstile::vectors
