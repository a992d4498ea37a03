// The examples of docs/guide/adopting.md; guide_test.cc compares them.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include "support/raw_sqlite.h"
#include "support/temp_dir.h"
#include "turnstile/native.h"
#include "turnstile/turnstile.h"

// What the page uses of SQLiteCpp, so that it need not be there: the same names and signatures.
namespace SQLite {

class Database {
 public:
  explicit Database(const std::string& path) {
    if (sqlite3_open(path.c_str(), &handle_) != SQLITE_OK) throw std::runtime_error("no database");
  }
  ~Database() { sqlite3_close(handle_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  [[nodiscard]] sqlite3* getHandle() const { return handle_; }
  void exec(const char* sql) {
    if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
      throw std::runtime_error(sqlite3_errmsg(handle_));
  }

 private:
  sqlite3* handle_ = nullptr;
};

class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) { database_.exec("BEGIN"); }
  ~Transaction() {
    if (!committed_) sqlite3_exec(database_.getHandle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  void commit() {
    database_.exec("COMMIT");
    committed_ = true;
  }

 private:
  Database& database_;
  bool committed_ = false;
};

class Column {
 public:
  explicit Column(std::int64_t value) : value_(value) {}
  [[nodiscard]] std::int64_t getInt64() const { return value_; }

 private:
  std::int64_t value_;
};

class Statement {
 public:
  Statement(Database& database, const std::string& sql) : database_(database) {
    sqlite3_prepare_v2(database.getHandle(), sql.c_str(), -1, &handle_, nullptr);
  }
  ~Statement() { sqlite3_finalize(handle_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void bind(int index, std::int64_t value) { sqlite3_bind_int64(handle_, index, value); }
  bool executeStep() { return sqlite3_step(handle_) == SQLITE_ROW; }
  int exec() {
    if (sqlite3_step(handle_) != SQLITE_DONE)
      throw std::runtime_error(sqlite3_errmsg(database_.getHandle()));
    return sqlite3_changes(database_.getHandle());
  }
  [[nodiscard]] Column getColumn(int index) { return Column(sqlite3_column_int64(handle_, index)); }

 private:
  Database& database_;
  sqlite3_stmt* handle_ = nullptr;
};

}  // namespace SQLite

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;

// The pool of the page, as far as it goes: each connection is a new one.
class ConnectionPool {
 public:
  [[nodiscard]] static std::unique_ptr<SQLite::Database> acquire() {
    return std::make_unique<SQLite::Database>("bank.db");
  }
};

bool withdraw(sqlite3* db, std::int64_t account, std::int64_t amount) {
  sqlite3_exec(db, "BEGIN", nullptr, nullptr, nullptr);
  sqlite3_stmt* find = nullptr;
  sqlite3_prepare_v2(db, "SELECT balance FROM account WHERE id = ?", -1, &find, nullptr);
  sqlite3_bind_int64(find, 1, account);
  const bool enough = sqlite3_step(find) == SQLITE_ROW && sqlite3_column_int64(find, 0) >= amount;
  sqlite3_finalize(find);

  sqlite3_stmt* update = nullptr;
  sqlite3_prepare_v2(db, "UPDATE account SET balance = balance - ? WHERE id = ?", -1, &update,
                     nullptr);
  sqlite3_bind_int64(update, 1, amount);
  sqlite3_bind_int64(update, 2, account);
  // SQLITE_BUSY if anybody has written since the SELECT, whatever the busy timeout.
  const bool written = enough && sqlite3_step(update) == SQLITE_DONE;
  sqlite3_finalize(update);
  return sqlite3_exec(db, written ? "COMMIT" : "ROLLBACK", nullptr, nullptr, nullptr) ==
             SQLITE_OK &&
         written;
}

bool withdraw(const turnstile::Lane& bank, std::int64_t account, std::int64_t amount) {
  return bank.write([&](turnstile::WriteTx& tx) {
    const auto balance =
        tx.query<std::int64_t>("SELECT balance FROM account WHERE id = ?", account).first();
    if (balance.value_or(0) < amount) return false;
    tx.execute("UPDATE account SET balance = balance - ? WHERE id = ?", amount, account);
    return true;
  });
}

bool withdraw(SQLite::Database& db, std::int64_t account, std::int64_t amount) {
  SQLite::Transaction transaction(db);
  SQLite::Statement find(db, "SELECT balance FROM account WHERE id = ?");
  find.bind(1, account);
  if (!find.executeStep() || find.getColumn(0).getInt64() < amount) return false;
  SQLite::Statement update(db, "UPDATE account SET balance = balance - ? WHERE id = ?");
  update.bind(1, amount);
  update.bind(2, account);
  update.exec();  // Throws `database is locked` if anybody has written since the SELECT.
  transaction.commit();
  return true;
}

void pay_in(turnstile::WriteTx& tx, std::int64_t account, std::int64_t amount) {
  tx.execute("UPDATE account SET balance = balance + ? WHERE id = ?", amount, account);
}

void transfer(const turnstile::Lane& bank, std::int64_t from, std::int64_t to,
              std::int64_t amount) {
  bank.write([&](turnstile::WriteTx& tx) {
    pay_in(tx, from, -amount);
    pay_in(tx, to, amount);
  });
}

bool withdraw(ConnectionPool& pool, std::int64_t account, std::int64_t amount) {
  for (int attempt = 1;; ++attempt) {
    const auto connection = pool.acquire();  // Has run `PRAGMA journal_mode=WAL`, and many more.
    try {
      return withdraw(*connection, account, amount);
    } catch (const std::exception&) {  // Perhaps `database is locked`.
      if (attempt == 5) throw;
    }
  }
}

/// The page names its file as a reader would, so that its directory has to be the current one. The
/// file is one of a program that does not know Turnstile, with two accounts.
class GuideToAdopting : public testing::Test {
 protected:
  GuideToAdopting() : former_(std::filesystem::current_path()) {
    std::filesystem::current_path(directory_.path());
    run_raw("bank.db",
            "CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);"
            "INSERT INTO account VALUES (1, 100), (2, 0)");
  }
  ~GuideToAdopting() override { std::filesystem::current_path(former_); }

  [[nodiscard]] static std::string balances() {
    return run_raw("bank.db", "SELECT group_concat(balance) FROM account");
  }

  const TempDir directory_;

 private:
  const std::filesystem::path former_;
};

TEST_F(GuideToAdopting, ShowsWhatDoesTheSameBeforeAndAfter) {
  ConnectionPool pool;
  SQLite::Database wrapped("bank.db");
  EXPECT_TRUE(withdraw(wrapped.getHandle(), 1, 10));
  EXPECT_TRUE(withdraw(pool, 1, 10));
  EXPECT_TRUE(withdraw(wrapped, 1, 10));
  EXPECT_EQ(balances(), "70,0");

  turnstile::Options options;
  options.connections = 4;  // One writer and three readers.
  options.busy_timeout = 5s;
  turnstile::Database db = turnstile::Database::open("bank.db", options);
  const turnstile::Lane bank = db.lane("bank");
  const turnstile::Lane reports = db.lane("reports", {.priority = turnstile::Priority::Bulk});
  EXPECT_EQ(reports.name(), "reports");
  EXPECT_TRUE(withdraw(bank, 1, 10));
  EXPECT_FALSE(withdraw(bank, 1, 1000));
  EXPECT_EQ(balances(), "60,0");
}

TEST_F(GuideToAdopting, ShowsWhereTheProgramBeforeFails) {
  SQLite::Database wrapped("bank.db");
  RawSqlite other("bank.db");
  other.run("PRAGMA journal_mode=WAL; BEGIN IMMEDIATE");
  EXPECT_THROW(withdraw(wrapped, 1, 10), std::runtime_error);
  ConnectionPool pool;
  EXPECT_THROW(withdraw(pool, 1, 10), std::runtime_error);
  other.run("ROLLBACK");
}

TEST_F(GuideToAdopting, ShowsHowFunctionsShareATransaction) {
  const turnstile::Database db = turnstile::Database::open("bank.db");
  transfer(db.lane("bank"), 1, 2, 30);
  EXPECT_EQ(balances(), "70,30");
}

TEST_F(GuideToAdopting, ShowsHowOldCodeGetsItsHandle) {
  const turnstile::Database db = turnstile::Database::open("bank.db");
  const turnstile::Lane bank = db.lane("bank");
  const auto old_code = [](sqlite3* handle) {
    sqlite3_exec(handle, "UPDATE account SET balance = 5 WHERE id = 2", nullptr, nullptr, nullptr);
  };
  bank.write([&](turnstile::WriteTx& tx) {
    old_code(turnstile::native_handle(tx));  // With #include "turnstile/native.h".
  });
  EXPECT_EQ(balances(), "100,5");
}

TEST_F(GuideToAdopting, ShowsHowASchemaIsAdopted) {
  turnstile::Options options;
  options.migrations = {
      {1, "accounts", "CREATE TABLE account(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL)"},
      {2, "owners", "ALTER TABLE account ADD COLUMN owner TEXT"},
  };
  options.adopt_schema = 1;
  const turnstile::Database db = turnstile::Database::open("bank.db", options);
  EXPECT_EQ(db.lane("bank").read([](turnstile::ReadTx& tx) {
    return tx.query<std::int64_t>("SELECT count(*) FROM account WHERE owner IS NULL").one();
  }),
            2);
}

}  // namespace
}  // namespace turnstile::test
