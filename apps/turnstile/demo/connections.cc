// How connections are used.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <thread>

#include "demo/demo.h"
#include "demo/plain.h"
#include "turnstile/options.h"
#include "turnstile/transaction.h"

namespace turnstile::cli::demo {

namespace {

constexpr std::string_view kCountRows = "SELECT count(*) FROM item";
constexpr std::string_view kAddItem = "INSERT INTO item DEFAULT VALUES";
constexpr std::string_view kItemTable = "CREATE TABLE item(id INTEGER PRIMARY KEY)";
constexpr int kItems = 100;

void shared_cache(Part& part) {
  const Engine& engine = machine_engine();
  const PlainOptions options{.engine = &engine};
  Plain writer(part, "file:app.db?cache=shared", options);
  Plain reader(part, "file:app.db?cache=shared", options);
  make_counter(writer);
  part.tally().note(std::string("with the machine's SQLite ") + engine.libversion());
  for (int round = 0; round < kRounds; ++round) {
    writer.must("BEGIN IMMEDIATE");
    writer.must(kAddOne);
    reader.work(kReadValue);
    writer.work("COMMIT");
  }
}

void caches_of_their_own(Part& part) {
  part.refused("a shared cache is refused",
               [] { static_cast<void>(Options::from_uri("file:app.db?cache=shared")); });
  const Database db = open_counter(part);
  read_beside_writer(part, db);
}

void statements_left_open(Part& part) {
  Plain db(part, "app.db");
  make_counter(db);
  db.must("CREATE TABLE old(x)");
  for (int round = 0; round < kRounds; ++round) {
    const OpenStatement reading(db, "SELECT id FROM counter");
    db.work("DROP TABLE old");
  }
  for (int round = 0; round < kRounds; ++round) {
    db.must("BEGIN");
    OpenStatement inserting(db, "INSERT INTO old VALUES (1), (2) RETURNING x");
    db.work("COMMIT");
    inserting.end();
    db.must("ROLLBACK");
  }
}

void statements_that_end(Part& part) {
  const Database db = open_counter(part);
  const Lane lane = db.lane("demo");
  for (int round = 0; round < kRounds; ++round) {
    part.call([&] {
      lane.write([](WriteTx& tx) {
        tx.execute("CREATE TABLE old(x)");
        static_cast<void>(tx.query<std::int64_t>("SELECT id FROM counter").all());
        static_cast<void>(
            tx.query<std::int64_t>("INSERT INTO old VALUES (1), (2) RETURNING x").all());
        tx.execute("DROP TABLE old");
      });
    });
  }
}

void one_connection_for_two(Part& part) {
  Plain db(part, "app.db");
  make_counter(db);
  for (int round = 0; round < kRounds; ++round) {
    db.must("BEGIN");  // One task's.
    db.must(kAddOne);
    db.work("BEGIN");  // Another one's, before the first has ended.
    db.work("COMMIT");
  }
}

void one_lane_for_two(Part& part) {
  const Database db = open_counter(part);
  count_together(part, db);
}

// The child's side: inserts with what it inherited; how many were reported as done is its status.
[[noreturn]] void insert_in_child(const Plain& inherited, int go) {
  char byte = 0;
  int stored = 0;
  if (::read(go, &byte, 1) == 1) {
    for (int i = 0; i < kItems; ++i)
      if (sqlite3_exec(inherited.handle(), std::string(kAddItem).c_str(), nullptr, nullptr,
                       nullptr) == SQLITE_OK)
        ++stored;
  }
  ::_exit(stored);
}

void inherited_connection(Part& part) {
  {
    Plain db(part, "app.db");
    make_counter(db);
    db.must(kItemTable);
    std::array<int, 2> go{};
    if (::pipe2(go.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    const pid_t child = ::fork();
    if (child == 0) insert_in_child(db, go[0]);
    db.close();
    const bool told = ::write(go[1], "g", 1) == 1;
    int status = 0;
    ::waitpid(child, &status, 0);
    ::close(go[0]);
    ::close(go[1]);
    if (told && WIFEXITED(status)) part.tally().done(WEXITSTATUS(status));
  }
  Plain again(part, "app.db");
  part.known().is_forked = true;
  again.lost(kItems - again.number(kCountRows), "ROWS_MISSING", kAddItem);
}

void opened_in_the_child(Part& part) {
  const Database db = open_counter(part);
  start_together(part);
  part.expect("rows of the children that are in the file", 4, value_of(db, 2));
}

const Engine& second_engine() {
  const Engine& machine = machine_engine();
  if (machine.libversion == &sqlite3_libversion)
    throw Impossible("this program uses the machine's SQLite, so that there is no second one");
  return machine;
}

void two_engines(Part& part) {
  const Engine& machine = second_engine();
  part.tally().note(std::string("with SQLite ") + sqlite3_libversion() + " and " +
                    machine.libversion() + " in one process");
  part.known().engines = 2;
  {
    Plain ours(part, "app.db");
    make_counter(ours);
    ours.must(kItemTable);
    // For it, it is the last to close: the log is deleted, which ours goes on to write to.
    static_cast<void>(Plain(part, "app.db", {.engine = &machine}).number(kCountRows));
    Plain theirs(part, "app.db", {.engine = &machine});
    for (int i = 0; i < kItems / 2; ++i) {
      ours.work(kAddItem);
      theirs.work(kAddItem);
    }
  }
  Plain again(part, "app.db");
  if (again.work("PRAGMA integrity_check; SELECT count(*) FROM item"))
    again.lost(kItems - again.number(kCountRows), "ROWS_MISSING", kAddItem);
}

void one_engine(Part& part) {
  {
    const Database db = open_counter(part);
    count_together(part, db);
  }
  try {
    static_cast<void>(second_engine());
  } catch (const Impossible&) {
    return;  // Without a second one there is nothing to be refused.
  }
  part.refused("a second engine is refused", [&] { static_cast<void>(open_counter(part)); });
}

void closed_descriptor(Part& part) {
  Plain db(part, "app.db");
  make_counter(db, "DELETE");
  for (int round = 0; round < kRounds; ++round) {
    Shell shell(part);
    db.must("BEGIN IMMEDIATE");
    db.must(kAddOne);
    // Only a look at the header.
    ::close(::open(db.path().c_str(), O_RDONLY | O_CLOEXEC));
    shell.must("BEGIN IMMEDIATE");
    shell.must("UPDATE counter SET value = value + 1 WHERE id = 2");
    shell.must("COMMIT");
    part.known().descriptor_closed = true;
    if (!db.work("COMMIT")) static_cast<void>(db.run("ROLLBACK"));
  }
  Plain again(part, "app.db");
  const std::int64_t sum = again.number("SELECT sum(value) FROM counter");
  part.tally().note(std::to_string(sum) + " additions of " + std::to_string(2 * kRounds) +
                    " are in the file");
}

void looks_from_outside(Part& part) {
  const Database db = open_counter(part);
  for (int round = 0; round < kRounds; ++round) {
    Shell shell(part);
    part.call([&] {
      db.lane("demo").write([&](WriteTx& tx) {
        add_one(tx);
        static_cast<void>(file_facts(part.file("app.db")));
        static_cast<void>(locks(part.file("app.db")));
        part.expect("the other program is kept out", 1,
                    shell.run("PRAGMA busy_timeout=0; BEGIN IMMEDIATE") == "SQLITE_BUSY" ? 1 : 0);
      });
    });
  }
  part.expect("additions that are in the file", kRounds, value_of(db));
}

void changed_schema(Part& part) {
  Plain db(part, "app.db");
  Plain other(part, "app.db");
  make_counter(db);
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

constexpr auto kConnectionDemos = std::to_array<Demo>({
    {.name = "shared-cache-table-lock",
     .work = "One connection reads while another one writes.",
     .plain = shared_cache,
     .turnstile = caches_of_their_own},
    {.name = "open-statement",
     .work = "A program reads some rows, then drops a table; inserts some, then commits.",
     .plain = statements_left_open,
     .turnstile = statements_that_end},
    {.name = "shared-connection",
     .work = "Two tasks have a transaction at the same time.",
     .plain = one_connection_for_two,
     .turnstile = one_lane_for_two},
    {.name = "forked-connection",
     .work = "A child process inserts rows.",
     .plain = inherited_connection,
     .turnstile = opened_in_the_child},
    {.name = "two-engines",
     .work = "A process inserts rows, in which a second SQLite has looked at the file.",
     .plain = two_engines,
     .turnstile = one_engine},
    {.name = "descriptor-closed",
     .work = "A process looks at its database file inside a transaction.",
     .plain = closed_descriptor,
     .turnstile = looks_from_outside},
    {.name = "schema-changed",
     .work = "A prepared SELECT runs after another connection has made a table.",
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

std::span<const Demo> connection_demos() noexcept {
  return kConnectionDemos;
}

}  // namespace turnstile::cli::demo
