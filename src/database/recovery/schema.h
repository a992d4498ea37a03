// The rows of sqlite_schema, before SQLite has seen them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "database/recovery/destination.h"
#include "database/recovery/record.h"

namespace turnstile::database::recovery {

/// https://sqlite.org/schematab.html
struct SchemaObject {
  std::string type;
  std::string name;
  std::string table;
  PageNumber root = 0;
  std::string sql;  // Empty for the indexes that SQLite makes itself.

  /// Nothing when the fields are not a row of sqlite_schema.
  [[nodiscard]] static std::optional<SchemaObject> parse(std::span<const Field> fields,
                                                         Destination& destination);

  [[nodiscard]] bool is_virtual_table() const;
  [[nodiscard]] bool is_unique_index() const;
  /// sqlite_stat1 and the like, which ANALYZE makes.
  [[nodiscard]] bool is_statistics() const;
  /// True for SQL that begins as that of its type does: nothing else is run.
  [[nodiscard]] bool can_be_run() const;
};

}  // namespace turnstile::database::recovery
