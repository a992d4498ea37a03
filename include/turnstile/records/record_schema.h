// The tables of described records in a file: what it lacks, and making it.
#pragma once

#include <source_location>
#include <string>
#include <vector>

#include "turnstile/lane.h"
#include "turnstile/migration.h"
#include "turnstile/records/layout.h"
#include "turnstile/schema.h"
#include "turnstile/transaction.h"

namespace turnstile {

/// In what a file differs from the described tables. Threads: immutable.
struct RecordSchemaPlan {
  /// What can be added without touching what is there: tables, indexes, columns that allow NULL or
  /// have a default. `sql` adds it.
  std::vector<SchemaDifference> additions{};
  /// Columns of the file that are not described and that do no harm: they allow NULL or have a
  /// default. They are left alone, so that older and newer programs can share a file.
  std::vector<SchemaDifference> leftovers{};
  /// What only a schema step written by hand can change: another type, NOT NULL, another key, a
  /// constraint more or less, a column that must be given and is not described.
  std::vector<SchemaDifference> conflicts{};
  std::string sql{};  ///< One statement a line; empty when there is nothing to add.

  /// `sql` as the next step of a list, or as the text of a file. Throws MisuseError
  /// (MIGRATION_INVALID) when there is nothing to add.
  [[nodiscard]] Migration step(int version, std::string name) const;
};

/// The tables of some records, together. Threads: immutable.
class RecordSchema {
 public:
  /// Of these records, such as `RecordSchema::of<Person, Note>()`. What they refer to may be among
  /// them or not.
  template <Described... T>
    requires(sizeof...(T) > 0)
  [[nodiscard]] static RecordSchema of() {
    return RecordSchema({&detail::table_of<T>()...});
  }

  /// What makes the tables in an empty file, one statement a line.
  [[nodiscard]] std::string sql() const;

  /// Compares with the file as it is in `tx`, or at this moment. Changes nothing. Throws what
  /// queries throw, and Error (SQL_ERROR) for a mistake in the SQL of a description.
  [[nodiscard]] RecordSchemaPlan plan(ReadTx& tx) const;
  [[nodiscard]] RecordSchemaPlan plan(
      const Lane& lane, std::source_location where = std::source_location::current()) const;

  /// Adds what the file lacks, by a schema step under a name of these tables' own; true when this
  /// call did. When there is nothing to add, nothing is written. Throws MigrationError:
  /// DB_SCHEMA_DIFFERS, naming all conflicts, before anything is changed, and what Lane::migrate()
  /// does.
  bool ensure(const Lane& lane, std::source_location where = std::source_location::current()) const;

  /// Throws MigrationError (DB_SCHEMA_DIFFERS), naming all, if the file has conflicts or lacks
  /// something. For programs that run the steps themselves, and for files that are only read.
  void require(const Lane& lane,
               std::source_location where = std::source_location::current()) const;

 private:
  explicit RecordSchema(std::vector<const detail::Table*> tables);

  [[nodiscard]] std::string component() const;
  [[nodiscard]] std::string names() const;

  std::vector<const detail::Table*> tables_;
};

}  // namespace turnstile
