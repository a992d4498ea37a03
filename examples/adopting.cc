// A program that was written for SQLite's own interface, moved one step: the file is opened by
// Turnstile, and the functions that take a sqlite3* stay as they are.
// docs/guide/adopting.md goes on from here.
#include <sqlite3.h>

#include <iostream>
#include <stdexcept>
#include <string>

#include "turnstile/native.h"
#include "turnstile/turnstile.h"

namespace {

// ---- As it was ----

void run(sqlite3* db, const char* sql) {
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    throw std::runtime_error(sqlite3_errmsg(db));
}

void add_note(sqlite3* db, const char* title) {
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(db, "INSERT INTO note(title) VALUES (?)", -1, &statement, nullptr);
  sqlite3_bind_text(statement, 1, title, -1, SQLITE_TRANSIENT);
  const int result = sqlite3_step(statement);
  sqlite3_finalize(statement);
  if (result != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(db));
}

void as_it_was() {
  sqlite3* db = nullptr;
  if (sqlite3_open("notes.db", &db) != SQLITE_OK) throw std::runtime_error("cannot open");
  run(db, "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT)");
  run(db, "BEGIN");
  add_note(db, "an old note");
  run(db, "COMMIT");
  sqlite3_close(db);
}

// ---- As it is ----

turnstile::Database open_notes() {
  turnstile::Options options;
  options.migrations = {
      {1, "notes", "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT)"},
      {2, "stars", "ALTER TABLE note ADD COLUMN starred INTEGER NOT NULL DEFAULT 0"},
  };
  options.adopt_schema = 1;  // A file that nobody has counted the steps of has the first one.
  return turnstile::Database::open("notes.db", options);
}

}  // namespace

int main() {
  as_it_was();

  const turnstile::Database db = open_notes();
  const turnstile::Lane notes = db.lane("notes");
  notes.write([](turnstile::WriteTx& tx) {
    add_note(turnstile::native_handle(tx), "a new note");  // BEGIN and COMMIT are the library's.
    tx.execute("UPDATE note SET starred = 1 WHERE title = ?", "a new note");
  });
  notes.read([](turnstile::ReadTx& tx) {
    for (const auto& [title, starred] :
         tx.query<std::string, bool>("SELECT title, starred FROM note ORDER BY id"))
      std::cout << title << (starred ? " *" : "") << '\n';
  });
  return 0;
}

// Prints:
//   an old note
//   a new note *
