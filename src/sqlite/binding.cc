// How values go into parameters and come out of columns.
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>

#include "sqlite/connection.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "sqlite/statement_entry.h"
#include "sqlite/utf8.h"
#include "turnstile/value.h"

namespace turnstile::detail {

namespace {

/// What SQLITE_STATIC and SQLITE_TRANSIENT are: no destructor for memory that stays, and -1 for
/// memory that SQLite has to copy.
sqlite3_destructor_type destructor_for(Lifetime lifetime) noexcept {
  if (lifetime == Lifetime::Borrow) return nullptr;
  return reinterpret_cast<sqlite3_destructor_type>(std::intptr_t{-1});
}

[[noreturn]] void fail(const StatementEntry& statement, std::string_view code, std::string message,
                       std::string hint = {}) {
  sqlite::raise_statement_misuse(*statement.connection, code, std::move(message), statement.sql,
                                 std::move(hint));
}

/// `parameter 2 (:title)`.
std::string parameter_text(const StatementEntry& statement, int index) {
  std::string text = "parameter " + std::to_string(index);
  const char* name = sqlite3_bind_parameter_name(statement.handle, index);
  if (name != nullptr) text += " (" + std::string(name) + ")";
  return text;
}

[[noreturn]] void fail_too_big(const StatementEntry& statement, int index, std::size_t size) {
  const int limit = sqlite3_limit(statement.connection->handle(), SQLITE_LIMIT_LENGTH, -1);
  fail(statement, code("VALUE_TOO_BIG"),
       parameter_text(statement, index) + " has " + std::to_string(size) +
           " bytes, and the limit is " + std::to_string(limit));
}

/// Whether `size` is above the limit; asked before anything else is done with a large value.
bool is_too_big(const StatementEntry& statement, std::size_t size) noexcept {
  constexpr std::size_t kSurelyLarge = 1'000'000;
  if (size < kSurelyLarge) return false;
  const int limit = sqlite3_limit(statement.connection->handle(), SQLITE_LIMIT_LENGTH, -1);
  return size > static_cast<std::size_t>(limit);
}

void check_bound(const StatementEntry& statement, int index, int result, std::size_t size = 0) {
  if (result == SQLITE_OK) return;
  if (result == SQLITE_TOOBIG) fail_too_big(statement, index, size);
  if (result == SQLITE_RANGE) {
    fail(statement, code("PARAMETER_UNKNOWN"),
         "there is no parameter " + std::to_string(index) + "; the statement has " +
             std::to_string(statement.parameter_count));
  }
  sqlite::raise(*statement.connection, result, statement.sql);
}

std::string_view type_name(int type) noexcept {
  constexpr std::array<std::string_view, 6> kNames{"?", "INTEGER", "REAL", "TEXT", "BLOB", "NULL"};
  static_assert(SQLITE_INTEGER == 1 && SQLITE_FLOAT == 2 && SQLITE_TEXT == 3 && SQLITE_BLOB == 4 &&
                SQLITE_NULL == 5);
  return type >= 1 && type <= 5 ? kNames[static_cast<std::size_t>(type)] : kNames[0];
}

/// `column 2 (title)`.
std::string column_description(const StatementEntry& statement, int column) {
  std::string text = "column " + std::to_string(column);
  const char* name = sqlite3_column_name(statement.handle, column);
  if (name != nullptr) text += " (" + std::string(name) + ")";
  return text;
}

void require_column(const StatementEntry& statement, int column) {
  const int count = sqlite3_data_count(statement.handle);
  if (column >= 0 && column < count) return;
  fail(statement, code("COLUMN_UNKNOWN"),
       "there is no column " + std::to_string(column) + "; the row has " + std::to_string(count) +
           ", counted from 0");
}

[[noreturn]] void fail_type(const StatementEntry& statement, int column, std::string_view wanted) {
  require_column(statement, column);
  fail(statement, code("COLUMN_TYPE"),
       column_description(statement, column) + " is " +
           std::string(type_name(sqlite3_column_type(statement.handle, column))) + ", not " +
           std::string(wanted));
}

/// For a pointer that SQLite could not give although there is a value: it ran out of memory.
void require_memory(const StatementEntry& statement, const void* data, int size) {
  if (data == nullptr && size > 0) sqlite::raise(*statement.connection, SQLITE_NOMEM);
}

/// The type and the value of a column in one look. What SQLite calls an unprotected value is no
/// different from others where a connection belongs to one thread
/// (https://sqlite.org/c3ref/value.html).
sqlite3_value* value_at(const StatementEntry& statement, int column) noexcept {
  return sqlite3_column_value(statement.handle, column);
}

bool has_prefix(std::string_view name) noexcept {
  return !name.empty() && std::string_view(":@$?").find(name.front()) != std::string_view::npos;
}

}  // namespace

void bind_null(StatementEntry& statement, int index) {
  check_bound(statement, index, sqlite3_bind_null(statement.handle, index));
}

void bind_integer(StatementEntry& statement, int index, std::int64_t value) {
  check_bound(statement, index, sqlite3_bind_int64(statement.handle, index, value));
}

void bind_real(StatementEntry& statement, int index, double value) {
  if (std::isnan(value)) {
    fail(statement, code("PARAMETER_INVALID"),
         parameter_text(statement, index) +
             " is not a number (NaN), and SQLite would make NULL "
             "of it",
         "Bind std::nullopt if NULL is meant.");
  }
  check_bound(statement, index, sqlite3_bind_double(statement.handle, index, value));
}

void bind_text(StatementEntry& statement, int index, std::string_view value, Lifetime lifetime) {
  if (is_too_big(statement, value.size())) fail_too_big(statement, index, value.size());
  const std::size_t invalid = sqlite::find_invalid_utf8(value);
  if (invalid != std::string_view::npos) {
    fail(statement, code("PARAMETER_INVALID"),
         parameter_text(statement, index) + " is not UTF-8 from byte " + std::to_string(invalid) +
             " on");
  }
  // A null pointer would be NULL to SQLite, and an empty text is a value.
  const char* data = value.data() == nullptr ? "" : value.data();
  statement.copied |= lifetime == Lifetime::Copy;
  check_bound(statement, index,
              sqlite3_bind_text64(statement.handle, index, data, value.size(),
                                  destructor_for(lifetime), SQLITE_UTF8),
              value.size());
}

void bind_blob(StatementEntry& statement, int index, BlobView value, Lifetime lifetime) {
  if (is_too_big(statement, value.size())) fail_too_big(statement, index, value.size());
  const int result = value.empty() ? sqlite3_bind_zeroblob(statement.handle, index, 0)
                                   : sqlite3_bind_blob64(statement.handle, index, value.data(),
                                                         value.size(), destructor_for(lifetime));
  statement.copied |= lifetime == Lifetime::Copy;
  check_bound(statement, index, result, value.size());
}

void forget_bindings(StatementEntry& statement) noexcept {
  statement.forget_bindings();
}

int parameter_index(const StatementEntry& statement, std::string_view name) {
  int found = 0;
  for (int index = 1; index <= statement.parameter_count; ++index) {
    const char* candidate = sqlite3_bind_parameter_name(statement.handle, index);
    if (candidate == nullptr) continue;
    const std::string_view full(candidate);
    if (full == name) return index;
    if (has_prefix(name) || full.substr(1) != name) continue;
    if (found != 0) {
      fail(statement, code("PARAMETER_UNKNOWN"),
           "the name " + std::string(name) + " fits more than one parameter; write its prefix");
    }
    found = index;
  }
  if (found == 0) {
    fail(statement, code("PARAMETER_UNKNOWN"),
         "the statement has no parameter of the name " + std::string(name));
  }
  return found;
}

void require_parameter_count(const StatementEntry& statement, int values) {
  if (values == statement.parameter_count) return;
  fail(statement, code("PARAMETER_COUNT"),
       "the statement has " + std::to_string(statement.parameter_count) + " parameters, and " +
           std::to_string(values) + " values are given");
}

Binder::Binder(StatementEntry& statement, Lifetime lifetime)
    : statement_(statement),
      lifetime_(lifetime),
      bound_(static_cast<std::size_t>(statement.parameter_count)) {}

int Binder::claim(int index) {
  if (index > statement_.parameter_count) {
    fail(statement_, code("PARAMETER_COUNT"),
         "there is a value for parameter " + std::to_string(index) + ", and the statement has " +
             std::to_string(statement_.parameter_count) + " parameters");
  }
  const auto slot = static_cast<std::size_t>(index - 1);
  if (bound_[slot]) {
    fail(statement_, code("PARAMETER_COUNT"),
         parameter_text(statement_, index) + " is given two values");
  }
  bound_[slot] = true;
  return index;
}

void Binder::finish() const {
  const auto missing = std::ranges::find(bound_, false) - bound_.begin();
  if (missing == std::ssize(bound_)) return;
  fail(statement_, code("PARAMETER_COUNT"),
       "there is no value for " + parameter_text(statement_, static_cast<int>(missing) + 1));
}

bool column_is_null(const StatementEntry& statement, int column) {
  if (sqlite3_column_type(statement.handle, column) != SQLITE_NULL) return false;
  // A column that does not exist is NULL to SQLite.
  require_column(statement, column);
  return true;
}

std::int64_t column_integer(const StatementEntry& statement, int column) {
  sqlite3_value* const value = value_at(statement, column);
  if (sqlite3_value_type(value) != SQLITE_INTEGER) fail_type(statement, column, "INTEGER");
  return sqlite3_value_int64(value);
}

double column_real(const StatementEntry& statement, int column) {
  sqlite3_value* const value = value_at(statement, column);
  const int type = sqlite3_value_type(value);
  if (type != SQLITE_FLOAT && type != SQLITE_INTEGER) fail_type(statement, column, "REAL");
  return sqlite3_value_double(value);
}

std::string_view column_text(const StatementEntry& statement, int column) {
  sqlite3_value* const value = value_at(statement, column);
  if (sqlite3_value_type(value) != SQLITE_TEXT) fail_type(statement, column, "TEXT");
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
  const int size = sqlite3_value_bytes(value);
  require_memory(statement, text, size);
  return text == nullptr ? std::string_view()
                         : std::string_view(text, static_cast<std::size_t>(size));
}

BlobView column_blob(const StatementEntry& statement, int column) {
  sqlite3_value* const value = value_at(statement, column);
  if (sqlite3_value_type(value) != SQLITE_BLOB) fail_type(statement, column, "BLOB");
  const auto* bytes = static_cast<const std::byte*>(sqlite3_value_blob(value));
  const int size = sqlite3_value_bytes(value);
  require_memory(statement, bytes, size);
  return bytes == nullptr ? BlobView() : BlobView(bytes, static_cast<std::size_t>(size));
}

Value column_value(const StatementEntry& statement, int column) {
  switch (sqlite3_column_type(statement.handle, column)) {
    case SQLITE_INTEGER:
      return sqlite3_column_int64(statement.handle, column);
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement.handle, column);
    case SQLITE_TEXT:
      return std::string(column_text(statement, column));
    case SQLITE_BLOB: {
      const BlobView bytes = column_blob(statement, column);
      return Blob(bytes.begin(), bytes.end());
    }
    default:
      require_column(statement, column);
      return std::monostate();
  }
}

void raise_parameter_out_of_range(const StatementEntry& statement, int index) {
  fail(statement, code("PARAMETER_INVALID"),
       parameter_text(statement, index) + " does not fit in a signed integer of 64 bits");
}

void raise_column_out_of_range(const StatementEntry& statement, int column) {
  fail(statement, code("COLUMN_RANGE"),
       "the value " + std::to_string(sqlite3_column_int64(statement.handle, column)) + " of " +
           column_description(statement, column) + " does not fit the type it is read into");
}

void raise_blob_size(const StatementEntry& statement, int column, std::size_t element) {
  fail(statement, code("COLUMN_RANGE"),
       column_description(statement, column) + " has " +
           std::to_string(sqlite3_column_bytes(statement.handle, column)) +
           " bytes, which is no multiple of " + std::to_string(element));
}

void raise_row_count(std::string_view sql, int rows) {
  Error::Details details;
  details.code = code("ROW_COUNT");
  details.message = rows == 0 ? "the query gave no row where exactly one was asked for"
                              : "the query gave more than one row where exactly one was asked for";
  details.sql = sql;
  throw Error(std::move(details));
}

}  // namespace turnstile::detail
