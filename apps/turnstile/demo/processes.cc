// Connections and the process that they are in: forks, other copies of SQLite, descriptors.
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "demo/demo.h"
#include "demo/plain.h"
#include "sqlite/engine.h"
#include "turnstile/transaction.h"

namespace turnstile::cli::demo {

namespace {

constexpr int kItems = 100;

// Beside a number up to kItems in the status of the child: the connection is its parent's.
constexpr int kIsForked = 128;

// The child's side: inserts with what it inherited; how many were reported as done is its status.
[[noreturn]] void insert_in_child(Plain& inherited, int go) {
  char byte = 0;
  int stored = 0;
  if (::read(go, &byte, 1) == 1) {
    for (int i = 0; i < kItems; ++i)
      if (sqlite3_exec(inherited.handle(), std::string(kAddItem).c_str(), nullptr, nullptr,
                       nullptr) == SQLITE_OK)
        ++stored;
  }
  ::_exit(stored + (inherited.evidence(kAddItem).is_forked ? kIsForked : 0));
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
    if (told && WIFEXITED(status)) part.tally().done(WEXITSTATUS(status) & ~kIsForked);
    part.known().is_forked = (WEXITSTATUS(status) & kIsForked) != 0;
  }
  Plain again(part, "app.db");
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
  part.known().engines = sqlite::find_second_engine() ? 2 : 1;
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

// Another program that looks at the file, and ends.
void count_and_close(Part& part) {
  Plain db(part, "log.db", {.engine = &machine_engine()});
  part.say(std::to_string(db.number(kCountRows)));
}

std::int64_t count_in_other_program(Part& part) {
  Helper other = part.start("helper");
  const std::int64_t count = std::stoll(other.hear());
  static_cast<void>(other.finish());
  return count;
}

// With a log, the next program to close takes itself for the last one, and deletes it. The engine
// in here asks for the locks of the index too by now, so that it is shown with the machine's.
void closed_descriptor_with_log(Part& part, const Engine& machine) {
  {
    Plain db(part, "log.db", {.engine = &machine});
    make_counter(db);
    db.must(kItemTable);
    ::close(::open(db.path().c_str(), O_RDONLY | O_CLOEXEC));
    db.must("BEGIN");
    db.must(kReadValue);
    part.known().descriptor_closed = db.has_lost_locks();
    db.must("COMMIT");
    static_cast<void>(count_in_other_program(part));
    for (int i = 0; i < kItems; ++i)
      db.work(kAddItem);
    const std::int64_t missing = kItems - count_in_other_program(part);
    part.tally().note("with a log and SQLite " + std::string(machine.libversion()) + ", " +
                      std::to_string(missing) + " of " + std::to_string(kItems) +
                      " rows are missing for other programs");
    db.lost(missing, "ROWS_MISSING", kAddItem);
  }
}

void closed_descriptor_with_journal(Part& part) {
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
    part.known().descriptor_closed = db.has_lost_locks();
    if (!db.work("COMMIT")) static_cast<void>(db.run("ROLLBACK"));
  }
  Plain again(part, "app.db");
  const std::int64_t sum = again.number("SELECT sum(value) FROM counter");
  part.tally().note(std::to_string(sum) + " additions of " + std::to_string(2 * kRounds) +
                    " are in the file");
}

void closed_descriptor(Part& part) {
  closed_descriptor_with_journal(part);
  try {
    closed_descriptor_with_log(part, machine_engine());
  } catch (const Impossible& impossible) {
    part.tally().note(std::string("not shown with a log: ") + impossible.what());
  }
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

constexpr auto kProcessDemos = std::to_array<Demo>({
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
     .turnstile = looks_from_outside,
     .helper = count_and_close},
});

}  // namespace

std::span<const Demo> process_demos() noexcept {
  return kProcessDemos;
}

}  // namespace turnstile::cli::demo
