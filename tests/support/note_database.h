// The database that most tests of the layer use: one table of notes, in a file of its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/temp_dir.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {

/// The schema of the notes. `UNIQUE` gives tests a constraint to break.
[[nodiscard]] inline Migrations note_schema() {
  return {{1, "make notes", "CREATE TABLE note(id INTEGER PRIMARY KEY, text TEXT UNIQUE)"}};
}

/// `options` with the schema of the notes.
[[nodiscard]] inline Options with_notes(Options options = {}) {
  options.migrations = note_schema();
  return options;
}

/// Inserts a note; its rowid.
inline std::int64_t add_note(WriteTx& tx, std::string_view text) {
  return tx.execute("INSERT INTO note(text) VALUES (?)", text).last_insert_rowid;
}
inline std::int64_t add_note(const Lane& lane, std::string_view text) {
  return lane.write([&](WriteTx& tx) { return add_note(tx, text); });
}

[[nodiscard]] inline std::int64_t count_notes(ReadTx& tx) {
  return tx.query<std::int64_t>("SELECT count(*) FROM note").one();
}
[[nodiscard]] inline std::int64_t count_notes(const Lane& lane) {
  return lane.read([](ReadTx& tx) { return count_notes(tx); });
}

/// The texts of all notes in the order in which they were made.
[[nodiscard]] inline std::vector<std::string> all_notes(const Lane& lane) {
  return lane.read(
      [](ReadTx& tx) { return tx.query<std::string>("SELECT text FROM note ORDER BY id").all(); });
}

/// An open database of notes, gone with this object.
///
/// Threads: as Database.
class NoteDatabase {
 public:
  explicit NoteDatabase(Options options = {})
      : database_(Database::open(file(), with_notes(std::move(options)))) {}

  [[nodiscard]] std::string file() const { return directory_.file("notes.db"); }
  [[nodiscard]] const TempDir& directory() const noexcept { return directory_; }
  [[nodiscard]] Database& operator*() noexcept { return database_; }
  [[nodiscard]] Database* operator->() noexcept { return &database_; }
  [[nodiscard]] Lane lane(std::string_view name = "notes") const { return database_.lane(name); }

 private:
  TempDir directory_;
  Database database_;
};

}  // namespace turnstile::test
