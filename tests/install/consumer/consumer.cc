// A program of somebody who installed the library: opens a database, writes, reads, and uses the
// engine's own header through native.h.
#include <iostream>
#include <string>

#include "turnstile/native.h"
#include "turnstile/turnstile.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: consumer DB\n";
    return 3;
  }
  turnstile::Database db = turnstile::Database::open(argv[1]);
  turnstile::Lane notes = db.lane("notes");
  notes.write([](turnstile::WriteTx& tx) {
    tx.execute("CREATE TABLE note(body TEXT)");
    tx.execute("INSERT INTO note VALUES (?)", "hello from an installed library");
  });
  std::cout << notes.read([](turnstile::ReadTx& tx) {
    if (sqlite3_get_autocommit(turnstile::native_handle(tx)) != 0)
      return std::string("no transaction");
    return tx.query<std::string>("SELECT body FROM note").all().at(0);
  }) << '\n';
  return 0;
}
