// What an index needs to know of the table that it is over.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "turnstile/transaction.h"

namespace turnstile::text {

/// Threads: immutable.
struct UniqueColumn {
  std::string name{};
  std::string collation{};
};

/// Threads: immutable.
struct TableFacts {
  std::string key{};                   ///< The INTEGER PRIMARY KEY.
  std::vector<std::string> columns{};  ///< All of them.
  /// What else must be unique, in the order of the indexes' names. Not those on expressions and on
  /// some rows only.
  std::vector<std::vector<UniqueColumn>> unique{};

  /// As SQLite compares names: ASCII letters match in both cases.
  [[nodiscard]] bool has_column(std::string_view name) const;
};

/// Throws MisuseError (TEXT_INDEX_INVALID) when there is no such table, and when it is not an
/// ordinary one with an INTEGER PRIMARY KEY. `index` is for the message.
[[nodiscard]] TableFacts read_table_facts(ReadTx& tx, std::string_view index,
                                          std::string_view table);

/// Throws MisuseError (TEXT_INDEX_INVALID).
[[noreturn]] void raise_unfit(const ReadTx& tx, std::string_view index, const std::string& why);

}  // namespace turnstile::text
