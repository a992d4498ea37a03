// Puts records into a table of the new file.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "database/recovery/destination.h"
#include "database/recovery/record.h"

namespace turnstile::database::recovery {

/// How the records of a table are made, as SQLite itself understands its CREATE TABLE.
struct TableShape {
  struct Column {
    std::string name;
    bool is_generated = false;  // Stored, but not to be inserted.
  };

  std::vector<Column> columns;  // In the order of the record. Empty: there is no such table.
  bool has_rowid = true;
  std::string rowid;      // The name under which the rowid is inserted; empty: there is none.
  std::size_t alias = 0;  // The column that is the rowid, if one is; else columns.size().

  [[nodiscard]] static TableShape of(Destination& destination, const std::string& table);
};

/// Threads: confined.
class TableWriter {
 public:
  TableWriter(Destination& destination, std::string table);

  [[nodiscard]] const TableShape& shape() const noexcept { return shape_; }
  [[nodiscard]] bool exists() const noexcept { return !shape_.columns.empty(); }

  /// A record with fewer fields than the table has columns is from before ALTER TABLE ADD COLUMN;
  /// the others get their default. Empty, or why the row was refused. Throws StorageError,
  /// Cancelled.
  [[nodiscard]] std::string insert(std::int64_t rowid, std::span<const Field> fields);

 private:
  [[nodiscard]] bool is_inserted(std::size_t column) const {
    return column != shape_.alias && !shape_.columns[column].is_generated;
  }
  [[nodiscard]] RawStatement prepare(std::size_t fields);

  Destination& destination_;
  const std::string table_;
  const TableShape shape_;
  std::map<std::size_t, RawStatement> statements_;  // By the number of fields.
  std::vector<Field> values_;
};

}  // namespace turnstile::database::recovery
