// The new file, while it is made: under a name of its own, in one transaction, and under its final
// name only when it is whole.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "database/copies/temp_file.h"
#include "database/recovery/page_source.h"
#include "database/recovery/record.h"
#include "sqlite/connection.h"

struct sqlite3_stmt;

namespace turnstile::database::recovery {

struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const noexcept;
};
using RawStatement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

/// Threads: confined.
class Destination {
 public:
  /// Makes the file and begins the transaction. Throws StorageError (DB_EXISTS and others).
  Destination(const std::filesystem::path& path, const PageSource& source, const Call& call);

  [[nodiscard]] sqlite::Connection& connection() noexcept { return *connection_; }

  /// Throws Error.
  [[nodiscard]] RawStatement prepare(const std::string& sql);
  /// Binds from parameter `first` on, and refers to the fields' bytes.
  void bind(sqlite3_stmt* statement, int first, std::span<const Field> fields) const;
  /// A text of our own, which is referred to as well; NULL for an empty one.
  static void bind_utf8(sqlite3_stmt* statement, int index, std::string_view text) noexcept;
  /// Runs a statement that gives no rows, and resets it. Empty, or why SQLite refused the row.
  /// Throws what is not about the row: StorageError, Cancelled.
  [[nodiscard]] std::string step(sqlite3_stmt* statement);

  /// A text of the source in UTF-8; empty for other types.
  [[nodiscard]] std::string text(const Field& field);

  /// Runs one statement of the source's schema, as untrusted as an application's.
  /// Empty, or why it failed; nothing of it is left then. Throws StorageError, Cancelled.
  [[nodiscard]] std::string try_run(std::string_view sql);
  /// Empty when SQLite's check of `table`, or of all with an empty name, finds nothing; else its
  /// first finding. Throws StorageError, Cancelled.
  [[nodiscard]] std::string why_not_whole(std::string_view table = {});

  /// Lets sqlite_schema be written, and reads it anew afterwards.
  void change_schema_rows(const std::string& sql, std::span<const std::string> values);

  void commit();
  /// Has it on the medium, and gives it its name. Throws StorageError (DB_EXISTS and others).
  void publish(const std::filesystem::path& model);

 private:
  void connect(const PageSource& source);
  std::string run(std::string_view sql);

  const Encoding encoding_;
  TempFile file_;  // Must be closed after SQLite has closed it.
  std::unique_ptr<sqlite::Connection> connection_;
  RawStatement to_utf8_;
};

}  // namespace turnstile::database::recovery
