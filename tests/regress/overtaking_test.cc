// Why there is a turn: SQLite's own waiting has no order. Who finds the file locked asks again now
// and then (https://sqlite.org/c3ref/busy_timeout.html), and who asks in between is first.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "support/raw_sqlite.h"
#include "support/temp_dir.h"

namespace turnstile::test {
namespace {

/// A connection that calls `between_two_tries` once, where others would sleep, and tries again.
class Waiter {
 public:
  Waiter(const std::string& path, std::function<void()> between_two_tries)
      : between_two_tries_(std::move(between_two_tries)) {
    EXPECT_EQ(sqlite3_open(path.c_str(), &connection_), SQLITE_OK);
    sqlite3_busy_handler(connection_, &on_busy, this);
  }
  ~Waiter() { sqlite3_close(connection_); }
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  [[nodiscard]] int run(const char* sql) {
    return sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr);
  }

 private:
  static int on_busy(void* waiter, int tries) {
    if (tries > 0) return 0;
    static_cast<Waiter*>(waiter)->between_two_tries_();
    return 1;
  }

  sqlite3* connection_ = nullptr;
  const std::function<void()> between_two_tries_;
};

// The fixture to ConcurrentWrites.AreServedInArrivalOrder: the same, without the turn.
TEST(SqlitesOwnWaiting, IsOvertakenByWhoComesLater) {
  const TempDir directory;
  const std::string path = directory.file("app.db");
  RawSqlite holder(path);
  holder.run("PRAGMA journal_mode=WAL; CREATE TABLE served(who TEXT); BEGIN IMMEDIATE");
  RawSqlite later(path);
  Waiter first(path, [&] {
    holder.run("ROLLBACK");
    later.run("INSERT INTO served VALUES ('who came later')");
  });
  EXPECT_EQ(first.run("INSERT INTO served VALUES ('who waited')"), SQLITE_OK);
  EXPECT_EQ(holder.run("SELECT group_concat(who, ', ') FROM served"), "who came later, who waited");
}

}  // namespace
}  // namespace turnstile::test
