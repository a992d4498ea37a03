/* A library that uses another SQLite, as many do. */
#include <sqlite3.h>
#include <string.h>

int other_works(const char* path) {
  sqlite3* db = NULL;
  if (strcmp(sqlite3_libversion(), SQLITE_VERSION) != 0) return 0;
  int result = sqlite3_open(path, &db);
  if (result == SQLITE_OK) result = sqlite3_exec(db, "CREATE TABLE t(a)", NULL, NULL, NULL);
  sqlite3_close(db);
  return result == SQLITE_OK;
}
