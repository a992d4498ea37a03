// A program with a library that uses another SQLite. Each uses its own, for files of its own, and
// Turnstile wants to be told that this is meant. The other's would be refused by its version.
#include <iostream>
#include <string>

#include "turnstile/turnstile.h"

extern "C" int other_works(const char* path);

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: beside DB\n";
    return 3;
  }
  if (other_works((argv[1] + std::string("-other")).c_str()) == 0) {
    std::cout << "the other library has the wrong SQLite\n";
    return 1;
  }
  try {
    turnstile::Database::open(argv[1]);
    std::cout << "a second engine is no reason to refuse\n";
    return 1;
  } catch (const turnstile::MisuseError& error) {
    if (error.code() != "ENGINE_CONFLICT") throw;
  }
  turnstile::Options options;
  options.allow_second_engine = true;
  turnstile::Database db = turnstile::Database::open(argv[1], options);
  db.lane("notes").write([](turnstile::WriteTx& tx) { tx.execute("CREATE TABLE t(a)"); });
  std::cout << "hello from an installed library\n";
  return 0;
}
