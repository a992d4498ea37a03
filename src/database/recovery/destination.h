// The new file, while it is made: under a name of its own, in one transaction, and under its final
// name only when it is whole.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

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
  /// Makes the file and begins the transaction. Throws MisuseError (DB_EXISTS), StorageError.
  Destination(std::filesystem::path path, const PageSource& source, const Call& call);
  /// Removes what was not published.
  ~Destination();
  Destination(const Destination&) = delete;
  Destination& operator=(const Destination&) = delete;

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
  /// Empty, or why it failed. Throws StorageError, Cancelled.
  [[nodiscard]] std::string try_run(std::string_view sql);
  /// Empty when SQLite's check of `table`, or of all with an empty name, finds nothing; else its
  /// first finding. Throws StorageError, Cancelled.
  [[nodiscard]] std::string why_not_whole(std::string_view table = {});

  /// Lets sqlite_schema be written, and reads it anew afterwards.
  void change_schema_rows(const std::string& sql, std::span<const std::string> values);

  /// Commits, has it on the medium, and gives it its name. Throws MisuseError (DB_EXISTS),
  /// StorageError.
  void commit();
  void publish();

 private:
  void make_file();
  void connect(const PageSource& source);
  void remove_files() noexcept;
  [[noreturn]] void fail(int cause, const std::string& what) const;
  [[noreturn]] void refuse_existing(const std::string& name) const;

  const std::filesystem::path path_;
  const Call& call_;
  const Encoding encoding_;
  const mode_t mode_;
  std::filesystem::path temporary_;
  std::unique_ptr<sqlite::Connection> connection_;
  RawStatement to_utf8_;
};

/// `name` between double quotes, as SQL wants it.
[[nodiscard]] std::string quoted_name(std::string_view name);

}  // namespace turnstile::database::recovery
