// A program of somebody who installed the library: opens a database, writes, reads, and catches
// what the library throws.
#include <iostream>
#include <string>

#include "turnstile/turnstile.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: consumer DB\n";
    return 3;
  }
  turnstile::Database db = turnstile::Database::open(argv[1]);
  turnstile::Lane notes = db.lane("notes");
  notes.write([](turnstile::WriteTx& tx) {
    tx.execute("CREATE TABLE note(body TEXT UNIQUE)");
    tx.execute("INSERT INTO note VALUES (?)", "hello from an installed library");
  });
  try {
    notes.write([](turnstile::WriteTx& tx) {
      tx.execute("INSERT INTO note VALUES (?)", "hello from an installed library");
    });
    std::cout << "the second was taken\n";
  } catch (const turnstile::ConstraintError&) {
    // That it is this type, and not its base alone, is what the library has to show.
  }
  std::cout << notes.read([](turnstile::ReadTx& tx) {
    return tx.query<std::string>("SELECT body FROM note").one();
  }) << '\n';
  return 0;
}
