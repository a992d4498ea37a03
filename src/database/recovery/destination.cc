#include "database/recovery/destination.h"

#include <sqlite3.h>

#include <system_error>
#include <utility>

#include "database/copies/whole_file.h"
#include "sqlite/error_code.h"
#include "sqlite/quote.h"
#include "sqlite/raise.h"

namespace turnstile::database::recovery {

namespace {

// What concerns the row or the statement and not the file: the recovery goes on without it.
bool concerns_only_itself(int result) noexcept {
  switch (result & 0xff) {
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_RANGE:
    case SQLITE_AUTH:
      return true;
    default:
      return false;
  }
}

unsigned char encoding_for_sqlite(Encoding encoding) noexcept {
  switch (encoding) {
    case Encoding::Utf16Little:
      return SQLITE_UTF16LE;
    case Encoding::Utf16Big:
      return SQLITE_UTF16BE;
    case Encoding::Utf8:
      break;
  }
  return SQLITE_UTF8;
}

std::string_view pragma_value(Encoding encoding) noexcept {
  switch (encoding) {
    case Encoding::Utf16Little:
      return "'UTF-16le'";
    case Encoding::Utf16Big:
      return "'UTF-16be'";
    case Encoding::Utf8:
      break;
  }
  return "'UTF-8'";
}

// SQLite would play a log that is left of a former file of that name into the new one.
std::filesystem::path require_free(std::filesystem::path path, const Call& call) {
  for (const std::string_view suffix : {"", "-wal", "-journal"}) {
    const std::string name = path.native() + std::string(suffix);
    std::error_code error;
    if (std::filesystem::exists(std::filesystem::symlink_status(name, error)))
      sqlite::raise_system(code("DB_EXISTS"), "there is a file '" + name + "'", 0, call);
  }
  return path;
}

}  // namespace

void FinalizeStatement::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

Destination::Destination(const std::filesystem::path& path, const PageSource& source,
                         const Call& call)
    : encoding_(source.header().encoding),
      file_(require_free(path, call), call),
      connection_(open_scratch(file_.path(), call)) {
  connect(source);
}

void Destination::connect(const PageSource& source) {
  // A schema that was made with "texts" in double quotes must be accepted as it is.
  sqlite3_db_config(connection_->handle(), SQLITE_DBCONFIG_DQS_DDL, 1, nullptr);
  const FileHeader& header = source.header();
  connection_->execute("PRAGMA page_size=" + std::to_string(source.page_size()));
  connection_->execute("PRAGMA encoding=" + std::string(pragma_value(header.encoding)));
  if (header.auto_vacuum) {
    connection_->execute(header.incremental_vacuum ? "PRAGMA auto_vacuum=INCREMENTAL"
                                                   : "PRAGMA auto_vacuum=FULL");
  }
  connection_->execute("PRAGMA cache_size=-65536");
  connection_->execute("PRAGMA foreign_keys=OFF");
  if (const int began = connection_->begin_immediate(); began != SQLITE_OK)
    sqlite::raise(*connection_, began);
  connection_->execute("PRAGMA user_version=" +
                       std::to_string(static_cast<std::int32_t>(header.user_version)));
  connection_->execute("PRAGMA application_id=" +
                       std::to_string(static_cast<std::int32_t>(header.application_id)));
}

RawStatement Destination::prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  const int result =
      sqlite3_prepare_v3(connection_->handle(), sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (result != SQLITE_OK) sqlite::raise(*connection_, result, sql);
  return RawStatement(statement);
}

void Destination::bind(sqlite3_stmt* statement, int first, std::span<const Field> fields) const {
  const unsigned char encoding = encoding_for_sqlite(encoding_);
  for (int index = first; const Field& field : fields) {
    const auto* bytes = reinterpret_cast<const char*>(field.bytes.data());
    // Never fails for what came out of a file: the length is below SQLite's limit or is refused
    // when the statement runs.
    switch (field.type) {
      case ValueType::Null:
        sqlite3_bind_null(statement, index);
        break;
      case ValueType::Integer:
        sqlite3_bind_int64(statement, index, field.integer);
        break;
      case ValueType::Real:
        sqlite3_bind_double(statement, index, field.real);
        break;
      case ValueType::Text:
        sqlite3_bind_text64(statement, index, bytes, field.bytes.size(), SQLITE_STATIC, encoding);
        break;
      case ValueType::Blob:
        sqlite3_bind_blob64(statement, index, bytes, field.bytes.size(), SQLITE_STATIC);
        break;
    }
    ++index;
  }
}

void Destination::bind_utf8(sqlite3_stmt* statement, int index, std::string_view text) noexcept {
  sqlite3_bind_text64(statement, index, text.empty() ? nullptr : text.data(), text.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
}

std::string Destination::step(sqlite3_stmt* statement) {
  int result = SQLITE_ROW;
  while (result == SQLITE_ROW)
    result = sqlite3_step(statement);
  std::string reason;
  if (result != SQLITE_DONE) {
    if (!concerns_only_itself(result)) sqlite::raise(*connection_, result);
    reason = sqlite3_errmsg(connection_->handle());
  }
  sqlite3_reset(statement);
  return reason;
}

// SQLite converts UTF-16 better than we would.
std::string Destination::text(const Field& field) {
  if (field.type != ValueType::Text) return {};
  if (!to_utf8_) to_utf8_ = prepare("SELECT ?1");
  bind(to_utf8_.get(), 1, std::span(&field, 1));
  std::string text;
  if (sqlite3_step(to_utf8_.get()) == SQLITE_ROW) {
    const void* bytes = sqlite3_column_text(to_utf8_.get(), 0);
    const int size = sqlite3_column_bytes(to_utf8_.get(), 0);
    if (bytes != nullptr)
      text.assign(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
  }
  sqlite3_reset(to_utf8_.get());
  sqlite3_clear_bindings(to_utf8_.get());
  return text;
}

// A module may have begun to change its own tables, and would go on with it at the commit.
std::string Destination::try_run(std::string_view sql) {
  connection_->execute("SAVEPOINT trial");
  std::string why_not = run(sql);
  if (!why_not.empty()) connection_->execute("ROLLBACK TO trial");
  connection_->execute("RELEASE trial");
  return why_not;
}

std::string Destination::run(std::string_view sql) {
  try {
    Statement statement = connection_->prepare(sql);
    while (statement.step()) {
    }
    return {};
  } catch (const Cancelled&) {
    throw;
  } catch (const StorageError& error) {
    // Modules of virtual tables say so of what they find in their own tables.
    if (error.code() != code("DB_CORRUPT")) throw;
    return std::string(error.message());
  } catch (const Error& error) {
    return std::string(error.message());
  }
}

std::string Destination::why_not_whole(std::string_view table) {
  try {
    const std::string of = table.empty() ? "" : "(" + sqlite::sql_name(table) + ")";
    const std::string answer = connection_->query_text("PRAGMA integrity_check" + of);
    return answer == "ok" ? std::string() : answer;
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& error) {
    return std::string(error.message());
  }
}

void Destination::change_schema_rows(const std::string& sql, std::span<const std::string> values) {
  sqlite3_db_config(connection_->handle(), SQLITE_DBCONFIG_DEFENSIVE, 0, nullptr);
  connection_->execute("PRAGMA writable_schema=ON");
  {
    const RawStatement statement = prepare(sql);
    for (int index = 1; const std::string& value : values)
      bind_utf8(statement.get(), index++, value);
    static_cast<void>(step(statement.get()));
  }
  connection_->execute("PRAGMA writable_schema=RESET");
  sqlite3_db_config(connection_->handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
}

void Destination::commit() {
  to_utf8_.reset();
  if (const int result = connection_->commit(); result != SQLITE_OK)
    sqlite::raise(*connection_, result);
}

void Destination::publish(const std::filesystem::path& model) {
  connection_.reset();
  file_.imitate(model);
  file_.sync();
  file_.publish(false, code("DB_EXISTS"));
}

}  // namespace turnstile::database::recovery
