// A list on a screen that is always what the database has, whoever changes it: another lane here,
// another process, a sqlite3 shell. Try it: put a wait at the end, and change todo.db from a shell.
#include <iostream>
#include <semaphore>
#include <string>
#include <vector>

#include "turnstile/turnstile.h"

int main() {
  turnstile::Options options;
  options.migrations = {
      {1, "todo", "CREATE TABLE todo(title TEXT, done INTEGER NOT NULL DEFAULT 0)"}};
  const turnstile::Database db = turnstile::Database::open("todo.db", options);
  const turnstile::Lane screen = db.lane("screen");
  const turnstile::Lane editor = db.lane("editor");

  std::binary_semaphore drawn(0);
  const turnstile::Observation list =
      screen.observe_query<std::string>("SELECT title FROM todo WHERE done = 0 ORDER BY title",
                                        [&](const std::vector<std::string>& titles) {
                                          std::cout << titles.size() << " to do:";
                                          for (const std::string& title : titles)
                                            std::cout << ' ' << title;
                                          std::cout << '\n';
                                          drawn.release();
                                        });
  drawn.acquire();  // As it was at the beginning.

  editor.write([](turnstile::WriteTx& tx) {
    tx.execute("INSERT INTO todo(title) VALUES ('cook'), ('shop')");
  });
  drawn.acquire();

  editor.write(
      [](turnstile::WriteTx& tx) { tx.execute("UPDATE todo SET done = 1 WHERE title = 'shop'"); });
  drawn.acquire();
  return 0;
}

// Prints:
//   0 to do:
//   2 to do: cook shop
//   1 to do: cook
