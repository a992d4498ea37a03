// The example of README.md: a database, a lane, a write, a write that nobody waits for, a read.
#include <cstdint>
#include <future>
#include <iostream>
#include <string>

#include "turnstile/turnstile.h"

int main() {
  turnstile::Options options;
  options.migrations = {{1, "notes", "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT)"}};
  turnstile::Database db = turnstile::Database::open("notes.db", options);
  turnstile::Lane notes = db.lane("notes");  // What a subsystem is given.

  const std::int64_t id = notes.write([](turnstile::WriteTx& tx) {
    return tx.execute("INSERT INTO note(title) VALUES (?)", "the first").last_insert_rowid;
  });

  // Does not wait; the result is there once it is committed.
  std::future<void> later = notes.submit([](turnstile::WriteTx& tx) {
    tx.execute("INSERT INTO note(title) VALUES (?)", "the second");
  });
  later.get();

  notes.read([](turnstile::ReadTx& tx) {
    for (const std::string& title : tx.query<std::string>("SELECT title FROM note ORDER BY id"))
      std::cout << title << '\n';
  });
  std::cout << "the first one has id " << id << '\n';
  return 0;
}

// Prints:
//   the first
//   the second
//   the first one has id 1
