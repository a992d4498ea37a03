// A program that calls the engine itself, through native.h.
#include <iostream>

#include "turnstile/native.h"
#include "turnstile/turnstile.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: native DB\n";
    return 3;
  }
  turnstile::Database db = turnstile::Database::open(argv[1]);
  if (db.lane("notes").read([](turnstile::ReadTx& tx) {
        return sqlite3_get_autocommit(turnstile::native_handle(tx));
      }) != 0) {
    std::cout << "no transaction\n";
    return 1;
  }
  std::cout << "hello from an installed library\n";
  return 0;
}
