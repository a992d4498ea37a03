// What a program adds to SQL: functions and collations of its own, and loadable extensions. They
// are declared when a database is opened, so that every connection has them before its first use.
//
// A schema that uses one of them, in an index for instance, can be read and written only by
// programs that have it. Others, the sqlite3 shell and the command line too, are told `no such
// collation sequence` or `unknown function`.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/value.h"

namespace turnstile {

/// A loadable extension, such as sqlite-vec, loaded into every connection before its first use.
///
/// Threads: immutable.
struct Extension {
  std::string path;         ///< The library's file.
  std::string entry_point;  ///< Its init function; empty: the name SQLite derives from the file.
};

/// A function for SQL that makes one value of others (https://sqlite.org/appfunc.html). Aggregates
/// and window functions need an Extension.
///
/// Threads: immutable; `call` runs on whatever thread runs the SQL, on several at once.
struct Function {
  /// What SQL calls it: 1 to 255 bytes of UTF-8, case does not matter. One of SQLite's own
  /// functions of that name is hidden by it.
  std::string name;

  /// Gets the arguments, in their order, and returns the result; text is UTF-8. What it throws
  /// fails the statement: Error (SQL_ERROR) with the name and what(). Must not use the database.
  std::function<Value(std::span<const Value> arguments)> call;

  /// How many arguments it takes, 0 to 100; -1: any number. The same name may be there several
  /// times, with other numbers.
  int arguments = -1;

  /// The same arguments always give the same result, now and in all later versions. SQLite may
  /// leave calls out then, and indexes and generated columns may use it, with `in_schema`.
  bool deterministic = false;

  /// Views, triggers, indexes, CHECKs and generated columns may use it, and not statements alone.
  /// For what does no harm when somebody else has written the file's schema.
  bool in_schema = false;
};

/// An order of texts (https://sqlite.org/c3ref/create_collation.html).
///
/// Threads: immutable; `compare` runs on whatever thread runs the SQL, on several at once.
struct Collation {
  /// What SQL calls it: 1 to 255 bytes of UTF-8, case does not matter.
  std::string name;

  /// Negative, 0 or positive as the first text is before, the same as, or after the second. The
  /// texts may be any bytes. It has to be an order, the same one in all later versions: indexes are
  /// kept in it. SQLite has no way to be told of a failure, so that an exception ends the program.
  std::function<int(std::string_view, std::string_view)> compare;
};

/// All of them, for calls that look into a file without opening it as a database.
///
/// Threads: immutable.
struct SqlDefinitions {
  std::vector<Extension> extensions{};
  std::vector<Function> functions{};
  std::vector<Collation> collations{};
};

}  // namespace turnstile
