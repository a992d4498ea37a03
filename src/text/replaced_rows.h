// Rows that REPLACE removes. Where a new row takes the place of another one because of a unique
// column, SQLite deletes that one without telling the triggers (unless recursive_triggers is on, a
// setting that would make other triggers of the application run forever).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "text/schema_object.h"
#include "text/table_facts.h"
#include "turnstile/transaction.h"

namespace turnstile::text {

/// Notes, before a row is written, the keys of those that it collides with, and afterwards takes
/// those out of the index that are gone. (A row of the same key needs none of that: it is in the
/// index as it is now.)
///
/// Threads: immutable.
class ReplacedRows {
 public:
  /// `index`, `table` and `key` are names as SQL has them, `prefix` what the objects' names begin
  /// with. A table without unique columns needs no objects.
  ReplacedRows(const std::string& prefix, const std::string& index, const std::string& table,
               const TableFacts& facts);

  /// Whether the file has exactly these objects.
  [[nodiscard]] bool in_place(ReadTx& tx) const;
  void create(WriteTx& tx) const;
  /// Those of former unique columns too.
  void drop(WriteTx& tx) const;

 private:
  std::vector<std::string> names_;  // All that there might be, the table last.
  std::vector<SchemaObject> objects_;
};

}  // namespace turnstile::text
