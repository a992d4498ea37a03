// What a file's schema has in another way than the program needs it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace turnstile {

class ReadTx;

/// Whether what a file has beyond the expected schema is a difference. A column too many always is.
enum class ExtraObjects {
  Ignore,  ///< Further tables, views, indexes and triggers are somebody else's affair.
  Report,
};

/// Threads: immutable.
struct SchemaDifference {
  std::string object;    ///< `table note`, `column note.title`, `index note_title`, ...
  std::string expected;  ///< Empty: nothing; the file has it all the same.
  std::string found;     ///< Empty: nothing; the file lacks it.

  /// One clause: `column note.title: expected TEXT NOT NULL, found TEXT`.
  [[nodiscard]] std::string describe() const;
};

/// Database::compare_schema() for those who have a transaction and not the database: the file as it
/// is in `tx`. The script cannot use loadable extensions. Throws Error (SQL_ERROR) for a mistake in
/// the script, and what queries throw.
///
/// Threads: scoped.
[[nodiscard]] std::vector<SchemaDifference> compare_schema(
    ReadTx& tx, std::string_view sql, ExtraObjects extra = ExtraObjects::Ignore);

}  // namespace turnstile
