// What a text index consists of in the file, and whether the file has it. The schema itself is the
// record of it: SQLite keeps the text of each table and trigger as it was made.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/replaced_rows.h"
#include "text/schema_object.h"
#include "text/table_facts.h"
#include "turnstile/text.h"
#include "turnstile/transaction.h"

namespace turnstile::detail {

/// Threads: immutable.
class TextDefinition {
 public:
  enum class State {
    Missing,
    Ready,
    Unfinished,  ///< It is what it should be, but not all rows are in it.
    Other,       ///< It is for other options, or somebody took a part of it away.
  };

  /// Throws MisuseError (TEXT_INDEX_INVALID) unless the table has what the options name.
  TextDefinition(ReadTx& tx, TextIndexOptions options);

  [[nodiscard]] const TextIndexOptions& options() const noexcept { return options_; }
  /// Whether there is to be an index in the file.
  [[nodiscard]] bool indexed() const noexcept { return indexed_; }

  // Names as SQL has them.

  [[nodiscard]] const std::string& index() const noexcept { return index_; }
  [[nodiscard]] const std::string& table() const noexcept { return table_; }
  [[nodiscard]] const std::string& key() const noexcept { return key_; }
  /// The table that there is while the index is being built: the key from which rows are missing.
  [[nodiscard]] std::string build_table() const;
  /// `"title", "body"`.
  [[nodiscard]] const std::string& columns() const noexcept { return columns_; }

  /// Statements that take rows out of the index, and that put them in as the table has them now.
  /// `keys` is a condition: `= new."id"`, `BETWEEN ? AND ?`. Both together make the index right,
  /// whatever happened before, so that no trigger depends on the order of others.
  [[nodiscard]] std::string remove_rows(std::string_view keys) const;
  [[nodiscard]] std::string add_rows(std::string_view keys) const;

  [[nodiscard]] State state(ReadTx& tx) const;

  /// Makes everything, for a table with rows as unfinished. Nothing of it may be there.
  void create(WriteTx& tx) const;
  /// Removes everything that is there.
  void drop(WriteTx& tx) const;

  /// The triggers that notice rows replaced by others; they depend on the table's unique columns.
  [[nodiscard]] text::ReplacedRows replaced_rows(ReadTx& tx) const;

 private:
  [[nodiscard]] std::string fts5_table() const;
  [[nodiscard]] std::vector<text::SchemaObject> triggers() const;
  [[nodiscard]] std::string text_changed() const;

  TextIndexOptions options_;
  bool indexed_;
  std::string index_;
  std::string table_;
  std::string key_;
  std::string columns_;
  std::vector<text::SchemaObject> objects_;
};

}  // namespace turnstile::detail
