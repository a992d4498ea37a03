// The tables of this subsystem, and the SQL that is used on those of a collection.
//
// A collection with the number N has
//   vector_N_item    a row an item: its slot (a number of its own), id, version, payload, columns
//   vector_N_exact   the vectors as they were given, by slot; apart from the items, so that filters
//                    do not have to read past them
//   vector_N_block   packed: codes, some dozens a row, and which of their places are in use
//   vector_N_vec0    sqlite-vec: the virtual table
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sqlite/quote.h"
#include "turnstile/migration.h"
#include "turnstile/transaction.h"
#include "turnstile/vectors.h"

namespace turnstile::vectors {

/// The schema steps of the component.
[[nodiscard]] Migrations schema_steps();
inline constexpr std::string_view kComponent = "vectors";

/// Names and statements of one collection's tables. Threads: immutable.
struct Tables {
  Tables(std::int64_t number, const VectorDefinition& definition);

  std::int64_t number;
  std::string item, exact, block, vec0;
  std::vector<VectorColumn> columns;  ///< The partition's first.

  std::string find_item;      ///< id -> slot, version
  std::string select_item;    ///< slot -> id, version, payload, columns...
  std::string replace_item;   ///< slot, id, version, payload, columns...
  std::string delete_item;    ///< slot
  std::string select_exact;   ///< slot -> vector
  std::string replace_exact;  ///< slot, vector
  std::string delete_exact;   ///< slot
};

/// The first of the declared columns in select_item.
inline constexpr int kFirstColumn = 3;

/// How many items a packed block has at most, for records of this size.
[[nodiscard]] int block_size_for(std::size_t record_size) noexcept;

/// Makes the tables of a collection.
void create_tables(WriteTx& tx, const Tables& tables, const VectorDefinition& definition);
void drop_tables(WriteTx& tx, const Tables& tables, const VectorDefinition& definition);

using sqlite::sql_name;

}  // namespace turnstile::vectors
