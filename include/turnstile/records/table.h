// A described table as the code sees it that knows no record type, and the text of its statements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/records/description.h"

namespace turnstile::detail {

struct ParentColumn {
  const Table& table;
  std::size_t column;
};

struct ColumnInfo {
  ColumnSpec spec;
  Storage storage;
  ParentColumn (*parent)() = nullptr;  ///< Null: it refers to no other table.
};

struct IndexInfo {
  std::string name;
  bool is_unique = false;
  std::string_view condition;
  std::vector<std::size_t> columns;
};

struct TableInfo {
  std::string_view name;
  std::vector<ColumnInfo> columns;
  std::vector<IndexInfo> indexes;
  std::vector<std::string_view> checks;
  bool without_rowid = false;
};

/// Threads: immutable.
class Table {
 public:
  explicit Table(TableInfo info);
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  ~Table() = default;

  [[nodiscard]] std::string_view name() const noexcept { return info_.name; }
  [[nodiscard]] const std::vector<ColumnInfo>& columns() const noexcept { return info_.columns; }
  [[nodiscard]] const std::vector<IndexInfo>& indexes() const noexcept { return info_.indexes; }
  [[nodiscard]] const std::vector<std::string_view>& checks() const noexcept {
    return info_.checks;
  }
  [[nodiscard]] const std::vector<std::size_t>& key() const noexcept { return key_; }
  /// The key is SQLite's rowid, and comes from there when a record has none.
  [[nodiscard]] bool generates_key() const noexcept;

  // The schema.

  [[nodiscard]] std::string create_table() const;
  [[nodiscard]] std::string create_index(const IndexInfo& index) const;
  /// `more` is put behind the column's own constraints.
  [[nodiscard]] std::string add_column(std::size_t column, std::string_view more) const;
  /// All of it: the table and its indexes, a statement a line.
  [[nodiscard]] std::string create_script() const;
  /// The condition of a column's CHECK, empty where it has none.
  [[nodiscard]] std::string check_of(std::size_t column) const;

  // Names in SQL.

  [[nodiscard]] std::string quoted_name() const;
  [[nodiscard]] std::string quoted(std::size_t column) const;  ///< `"id"`
  /// `"note"."id"`
  [[nodiscard]] const std::string& qualified(std::size_t column) const noexcept {
    return qualified_[column];
  }
  [[nodiscard]] std::string qualified_columns() const;  ///< All, in order.
  [[nodiscard]] std::string qualified_key() const;

  // Statements about one row. Parameters are in the order of the columns, then those of the key,
  // then the version.

  [[nodiscard]] const std::string& select() const noexcept { return select_; }  ///< Of all rows.
  [[nodiscard]] const std::string& insert() const noexcept { return insert_; }
  /// Does nothing where the row would break something that is unique.
  [[nodiscard]] const std::string& insert_if_absent() const noexcept { return insert_if_absent_; }
  [[nodiscard]] const std::string& get() const noexcept { return get_; }
  [[nodiscard]] const std::string& find() const noexcept { return find_; }  ///< `1` for a row.
  [[nodiscard]] const std::string& update() const noexcept { return update_; }
  [[nodiscard]] const std::string& remove() const noexcept { return remove_; }
  /// INSERT, and the update of a row that is the same in `target`; gives the columns `returned`.
  [[nodiscard]] std::string upsert(const std::vector<std::size_t>& target,
                                   const std::vector<std::size_t>& returned) const;
  /// Adds a parameter to a column; the new value.
  [[nodiscard]] std::string increment(std::size_t column) const;

  /// `"version" = "version" + 1, "updated" = ?` after a list of other assignments, as far as the
  /// table has such columns.
  [[nodiscard]] std::string touch(std::string assignments) const;
  [[nodiscard]] bool has_update_time() const noexcept {
    return find_role(Role::Updated).has_value();
  }

 private:
  [[nodiscard]] std::optional<std::size_t> find_role(Role role) const noexcept;
  [[nodiscard]] std::string column_definition(std::size_t column) const;
  [[nodiscard]] std::string where_key() const;
  [[nodiscard]] std::string make_insert() const;
  [[nodiscard]] std::string make_update() const;

  TableInfo info_;
  std::vector<std::size_t> key_;
  std::vector<std::string> qualified_;
  std::string select_;
  std::string insert_;
  std::string insert_if_absent_;
  std::string get_;
  std::string find_;
  std::string update_;
  std::string remove_;
};

/// `text`, after `separator` unless it is the first one.
void append(std::string& list, std::string_view text, std::string_view separator = ", ");

/// Whether update() sets a column.
[[nodiscard]] constexpr bool is_settable(const ColumnSpec& spec) noexcept {
  return !spec.is_key && (spec.role == Role::Plain || spec.role == Role::Updated);
}

}  // namespace turnstile::detail
