// The schema and the settings of a connection, and how it was opened.
#include <array>
#include <stdexcept>
#include <utility>

#include "demo/demo.h"
#include "demo/plain.h"
#include "turnstile/options.h"
#include "turnstile/transaction.h"

namespace turnstile::cli::demo {

namespace {

// A statement of the old interface is not compiled anew.
void changed_schema_of_old_statement(Plain& db, Plain& other) {
  for (int round = 0; round < kRounds; ++round) {
    const std::string sql = "SELECT * FROM counter";
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare(db.handle(), sql.c_str(), -1, &statement, nullptr) != SQLITE_OK)
      throw std::runtime_error(sqlite3_errmsg(db.handle()));
    other.must("CREATE TABLE extra" + std::to_string(round) + "(x)");
    FailureEvidence before = db.evidence(sql);
    const auto since = std::chrono::steady_clock::now();
    static_cast<void>(sqlite3_step(statement));
    // The old interface tells the reason here.
    db.count(std::move(before), sqlite3_finalize(statement), since);
  }
}

// One of the new interface is, and has other columns than the program knows.
void changed_columns(Part& part, Plain& db, Plain& other) {
  const std::string sql = "SELECT * FROM counter";
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db.handle(), sql.c_str(), -1, &statement, nullptr) != SQLITE_OK)
    throw std::runtime_error(sqlite3_errmsg(db.handle()));
  int known = sqlite3_column_count(statement);
  for (int round = 0; round < kRounds; ++round) {
    other.must("ALTER TABLE counter ADD COLUMN more" + std::to_string(round));
    static_cast<void>(sqlite3_step(statement));
    const int found = sqlite3_column_count(statement);
    sqlite3_reset(statement);
    part.tally().done();
    if (found != known)
      db.lost(1, "COLUMNS_CHANGED", sql,
              std::to_string(found) + " columns instead of " + std::to_string(known));
    known = found;
  }
  sqlite3_finalize(statement);
}

// Changes the schema whenever the statement of another connection is compiled.
int change_schema(void* other, int /*action*/, const char* /*first*/, const char* /*second*/,
                  const char* /*database*/, const char* /*trigger*/) noexcept {
  static int number = 0;
  return static_cast<Plain*>(other)->run("CREATE TABLE busy" + std::to_string(++number) + "(x)") ==
                 SQLITE_OK
             ? SQLITE_OK
             : SQLITE_DENY;
}

// And where the schema changes again before it runs, each time, SQLite gives up.
void ever_changing_schema(Plain& db, Plain& other) {
  other.must("PRAGMA synchronous=OFF");  // A hundred tables, of no value.
  sqlite3_set_authorizer(db.handle(), change_schema, &other);
  db.work("SELECT value FROM counter");
  sqlite3_set_authorizer(db.handle(), nullptr, nullptr);
}

void changed_schema(Part& part) {
  Plain db(part, "app.db");
  Plain other(part, "app.db");
  make_counter(db);
  changed_schema_of_old_statement(db, other);
  changed_columns(part, db, other);
  ever_changing_schema(db, other);
}

void changed_schema_is_seen(Part& part) {
  const Database db = open_counter(part);
  const Lane lane = db.lane("demo");
  for (int round = 0; round < kRounds; ++round) {
    lane.write([&](WriteTx& tx) {
      tx.execute_script("CREATE TABLE extra" + std::to_string(round) + "(x)");
    });
    part.call([&] {
      lane.read([](ReadTx& tx) {
        return tx.query<std::int64_t, std::int64_t>("SELECT * FROM counter").all().size();
      });
    });
  }
  lane.write([](WriteTx& tx) { tx.execute_script("ALTER TABLE counter ADD COLUMN more"); });
  part.refused("rows with another number of columns are refused", [&] {
    lane.read([](ReadTx& tx) {
      return tx.query<std::int64_t, std::int64_t>("SELECT * FROM counter").all().size();
    });
  });
}

constexpr std::string_view kReferences =
    "CREATE TABLE parent(id INTEGER PRIMARY KEY);"
    "CREATE TABLE child(parent INTEGER REFERENCES parent)";

void setting_inside_transaction(Part& part) {
  Plain db(part, "app.db");
  make_counter(db);
  db.must(kReferences);
  db.must("BEGIN");
  db.must("PRAGMA foreign_keys=ON");
  for (int round = 0; round < kRounds; ++round)
    db.work("INSERT INTO child VALUES (1)");
  db.lost(db.number("SELECT count(*) FROM pragma_foreign_key_check"), "NOT_CHECKED",
          "PRAGMA foreign_keys=ON");
  db.must("COMMIT");
}

void setting_at_open(Part& part) {
  const Database db = open_counter(part);
  const Lane lane = db.lane("demo");
  lane.write([](WriteTx& tx) { tx.execute_script(kReferences); });
  part.refused("a row that refers to nowhere is refused", [&] {
    lane.write([](WriteTx& tx) { tx.execute("INSERT INTO child VALUES (1)"); });
  });
  for (int round = 0; round < kRounds; ++round) {
    part.call([&] {
      lane.write([&](WriteTx& tx) {
        tx.execute("INSERT INTO parent VALUES (?)", round);
        tx.execute("INSERT INTO child VALUES (?)", round);
      });
    });
  }
}

void without_locks(Part& part) {
  Plain db(part, "app.db");
  make_counter(db, "DELETE");
  part.known().uri = "file:app.db?nolock=1";
  for (int round = 0; round < kRounds; ++round) {
    db.must("BEGIN IMMEDIATE");
    db.must(kAddOne);
    {
      Plain lockless(part, "file:app.db?nolock=1");
      lockless.must("UPDATE counter SET value = value + 1 WHERE id = 2");
    }
    if (!db.work("COMMIT")) static_cast<void>(db.run("ROLLBACK"));
  }
}

void with_locks(Part& part) {
  part.refused("nolock is refused",
               [] { static_cast<void>(Options::from_uri("file:app.db?nolock=1")); });
  const Database db = open_counter(part);
  count_together(part, db);
}

constexpr auto kSettingDemos = std::to_array<Demo>({
    {.name = "schema-changed",
     .work = "A prepared SELECT runs after another connection has changed the schema.",
     .plain = changed_schema,
     .turnstile = changed_schema_is_seen},
    {.name = "ignored-setting",
     .work = "A program wants foreign keys to be checked.",
     .plain = setting_inside_transaction,
     .turnstile = setting_at_open},
    {.name = "nolock",
     .work = "Two connections write at the same time.",
     .plain = without_locks,
     .turnstile = with_locks},
});

}  // namespace

std::span<const Demo> setting_demos() noexcept {
  return kSettingDemos;
}

}  // namespace turnstile::cli::demo
