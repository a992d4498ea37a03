#include "database/recovery/destination.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "sqlite/error_code.h"
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

// Without holding the name against another program that makes the same file: true when it did.
bool rename_without_overwriting(const char* from, const char* to) noexcept {
  if (::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL) return false;
  // Network file systems do not know the flag; a link does not overwrite either.
  return ::link(from, to) == 0 && ::unlink(from) == 0;
}

bool sync(const char* path, int flags) noexcept {
  const int descriptor = ::open(path, O_RDONLY | O_CLOEXEC | flags);
  if (descriptor < 0) return false;
  const bool done = ::fsync(descriptor) == 0;
  const int cause = errno;
  ::close(descriptor);
  errno = cause;
  return done;
}

}  // namespace

void FinalizeStatement::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

std::string quoted_name(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    quoted += c;
    if (c == '"') quoted += c;
  }
  return quoted + '"';
}

Destination::Destination(std::filesystem::path path, const PageSource& source, const Call& call)
    : path_(std::move(path)),
      call_(call),
      encoding_(source.header().encoding),
      mode_(source.file().mode()) {
  make_file();
  try {
    connect(source);
  } catch (...) {
    remove_files();
    throw;
  }
}

Destination::~Destination() {
  remove_files();
}

void Destination::remove_files() noexcept {
  to_utf8_.reset();
  connection_.reset();
  if (temporary_.empty()) return;
  ::unlink(temporary_.c_str());
  ::unlink((temporary_.native() + "-journal").c_str());
}

void Destination::fail(int cause, const std::string& what) const {
  const auto name = [cause] {
    switch (cause) {
      case EACCES:
      case EPERM:
      case EROFS:
        return code("DB_PERMISSION");
      case ENOENT:
      case ENOTDIR:
        return code("DB_NO_DIRECTORY");
      case ENOSPC:
      case EDQUOT:
        return code("DB_DISK_FULL");
      default:
        return code("DB_IO");
    }
  }();
  sqlite::raise_system(name, what + " '" + path_.string() + "'", cause, call_);
}

void Destination::refuse_existing(const std::string& name) const {
  sqlite::raise_misuse(code("DB_EXISTS"), "there is already a file '" + name + "'", call_);
}

void Destination::make_file() {
  // SQLite would play a log that is left of a former file of that name into the new one.
  for (const std::string_view suffix : {"", "-wal", "-journal"}) {
    struct stat status {};
    const std::string name = path_.native() + std::string(suffix);
    if (::lstat(name.c_str(), &status) == 0) refuse_existing(name);
  }
  // Readable by its owner alone until it is whole.
  std::string name =
      (path_.parent_path() / ("." + path_.filename().string() + "-recovery-XXXXXX")).string();
  const int descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) fail(errno, "cannot make a file beside");
  ::close(descriptor);  // Before SQLite opens it.
  temporary_ = name;
}

void Destination::connect(const PageSource& source) {
  sqlite::Connection::Config config;
  config.path = temporary_.string();
  connection_ = std::make_unique<sqlite::Connection>(std::move(config), call_);
  // A schema that was made with "texts" in double quotes must be accepted as it is.
  sqlite3_db_config(connection_->handle(), SQLITE_DBCONFIG_DQS_DDL, 1, nullptr);
  const FileHeader& header = source.header();
  connection_->execute("PRAGMA page_size=" + std::to_string(source.page_size()));
  connection_->execute("PRAGMA encoding=" + std::string(pragma_value(header.encoding)));
  if (header.auto_vacuum) {
    connection_->execute(header.incremental_vacuum ? "PRAGMA auto_vacuum=INCREMENTAL"
                                                   : "PRAGMA auto_vacuum=FULL");
  }
  // Nothing counts before publish(), which sees to it that it is on the medium.
  connection_->execute("PRAGMA synchronous=OFF");
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

std::string Destination::try_run(std::string_view sql) {
  try {
    Statement statement = connection_->prepare(sql);
    while (statement.step()) {
    }
    return {};
  } catch (const StorageError&) {
    throw;
  } catch (const Cancelled&) {
    throw;
  } catch (const Error& error) {
    return std::string(error.message());
  }
}

std::string Destination::why_not_whole(std::string_view table) {
  try {
    const std::string of = table.empty() ? "" : "(" + quoted_name(table) + ")";
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

void Destination::publish() {
  connection_.reset();  // Before the file is opened beside SQLite.
  const std::string directory = path_.parent_path().string();
  constexpr mode_t kPermissions = 0777;
  if (::chmod(temporary_.c_str(), mode_ & kPermissions) != 0 || !sync(temporary_.c_str(), 0))
    fail(errno, "cannot finish");
  if (!rename_without_overwriting(temporary_.c_str(), path_.c_str())) {
    if (errno == EEXIST) refuse_existing(path_.string());
    fail(errno, "cannot give its name to");
  }
  temporary_.clear();
  if (!sync(directory.c_str(), O_DIRECTORY)) fail(errno, "cannot sync the directory of");
}

}  // namespace turnstile::database::recovery
