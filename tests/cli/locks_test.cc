#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "cli/cli_test.h"
#include "support/place_of.h"
#include "support/soon.h"

namespace turnstile::test {
namespace {

using testing::HasSubstr;

// Never gives a row.
constexpr std::string_view kCountForEver =
    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c)";

// Name, size, inode and the time of the last change of every file.
std::vector<std::string> fingerprint(const std::filesystem::path& directory) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    struct stat status {};
    EXPECT_EQ(::stat(entry.path().c_str(), &status), 0);
    files.push_back(entry.path().filename().string() + " " + std::to_string(status.st_size) + " " +
                    std::to_string(status.st_ino) + " " + std::to_string(status.st_mtim.tv_sec) +
                    "." + std::to_string(status.st_mtim.tv_nsec));
  }
  std::ranges::sort(files);
  return files;
}

// The kernel's lines of the process, but for their numbers, which change.
std::string locks_of(pid_t pid) {
  std::ifstream list("/proc/locks");
  std::string found;
  for (std::string line; std::getline(list, line);)
    if (line.find(" " + std::to_string(pid) + " ") != line.npos)
      found += line.substr(line.find(':')) + "\n";
  return found;
}

class CliLocks : public CliTest {
 protected:
  [[nodiscard]] Json locks() const {
    const CliResult result = run_cli({"locks", db_, "--json"});
    EXPECT_EQ(result.status, 0) << result.err;
    return Json::parse(result.out);
  }

  [[nodiscard]] Json find(const std::string& lock) const {
    for (const Json& entry : locks())
      if (entry.at("lock") == lock) return entry;
    return Json::object();
  }
};

TEST_F(CliLocks, TellsThatThereAreNone) {
  const CliResult result = run_cli({"locks", db_});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(result.out, "no locks\n");
  EXPECT_EQ(locks(), Json::array());
}

TEST_F(CliLocks, NamesAForeignProgram) {
  SqliteShell shell(db_);
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE"), "");
  EXPECT_EQ(find("WRITE"), Json({{"lock", "WRITE"},
                                 {"title", "WAL write lock"},
                                 {"kind", "write"},
                                 {"pid", shell.pid()},
                                 {"program", "sqlite3"},
                                 {"thread", nullptr},
                                 {"thread_name", nullptr},
                                 {"lane", nullptr},
                                 {"sql", nullptr},
                                 {"calls", nullptr},
                                 {"since_ms", nullptr},
                                 {"since_is_least", false},
                                 {"waiters", Json::array()},
                                 {"waiting", 0}}));
  const CliResult table = run_cli({"locks", db_});
  EXPECT_THAT(table.out, HasSubstr("WRITE   write  "));
  EXPECT_THAT(table.out, HasSubstr(std::to_string(shell.pid()) + "  sqlite3"));
}

TEST_F(CliLocks, NamesAPythonScript) {
  const std::string script =
      "import sqlite3, sys\n"
      "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
      "connection.execute('BEGIN IMMEDIATE')\n"
      "print('locked', flush=True)\n"
      "sys.stdin.readline()\n";
  ChildProcess python({place_of::python(), "-c", script, db_});
  ASSERT_EQ(python.read_line(), "locked");
  const Json lock = find("WRITE");
  EXPECT_EQ(lock.at("pid"), python.pid());
  EXPECT_THAT(lock.at("program").get<std::string>(), testing::StartsWith("python"));
}

TEST_F(CliLocks, NamesTheLocksOfARollbackJournal) {
  const std::string path = directory_.file("journal.db");
  SqliteShell reader(path);
  ASSERT_EQ(reader.run("CREATE TABLE t(x); BEGIN; SELECT count(*) FROM t"), "0\n");
  SqliteShell writer(path);
  ASSERT_EQ(writer.run("BEGIN IMMEDIATE"), "");
  std::vector<std::string> found;
  for (const Json& lock : Json::parse(run_cli({"locks", path, "--json"}).out)) {
    const bool is_reader = lock.at("pid") == reader.pid();
    found.push_back(lock.at("lock").get<std::string>() + (is_reader ? " reader" : " writer"));
  }
  EXPECT_THAT(found,
              testing::UnorderedElementsAre("SHARED reader", "SHARED writer", "RESERVED writer"));
}

TEST_F(CliLocks, NamesTheLaneAndThoseWhoWaitForTheTurn) {
  SqliteShell shell(db_);
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE"), "");
  // The first one has the turn and waits for the shell; the second waits for the turn.
  CliRun first({"exec", db_, "DELETE FROM note", "--timeout", "5m"});
  ASSERT_TRUE(soon([&] { return find("TURN")["lane"] == "cli"; }));
  ASSERT_TRUE(soon([&] { return find("WRITE")["waiters"] == Json({first.process().pid()}); }));
  CliRun second({"exec", db_, "DELETE FROM note", "--timeout", "5m"});
  ASSERT_TRUE(soon([&] { return !find("TURN")["waiters"].empty(); }));

  const Json turn = find("TURN");
  EXPECT_EQ(turn.at("kind"), "write");
  EXPECT_EQ(turn.at("pid"), first.process().pid());
  EXPECT_EQ(turn.at("program"), "turnstile");
  EXPECT_EQ(turn.at("thread"), first.process().pid());
  EXPECT_GE(turn.at("since_ms"), 0);
  EXPECT_EQ(turn.at("waiters"), Json({second.process().pid()}));
  EXPECT_EQ(turn.at("waiting"), 1);
  EXPECT_EQ(find("WRITE").at("waiting"), 1);
  EXPECT_EQ(find("WRITE").at("pid"), shell.pid());

  EXPECT_EQ(shell.run("COMMIT"), "");
  EXPECT_EQ(first.finish().status, 0);
  EXPECT_EQ(second.finish().status, 0);
}

// DOC-05: who holds the lock, also when its process stands still.
TEST_F(CliLocks, NamesAStoppedWriterWithItsLaneAndItsStatement) {
  CliRun run({"exec", db_,
              "INSERT INTO note(title, score) VALUES ('secret', (" + std::string(kCountForEver) +
                  " SELECT max(i) FROM c))"});
  ASSERT_TRUE(soon([&] { return find("WRITE")["sql"].is_string(); }));
  run.process().signal(SIGSTOP);
  run.process().wait_until_stopped();
  for (const std::string lock : {"WRITE", "TURN"}) {
    const Json found = find(lock);
    EXPECT_EQ(found.at("pid"), run.process().pid()) << found;
    EXPECT_EQ(found.at("program"), "turnstile") << found;
    EXPECT_EQ(found.at("lane"), "cli") << found;
    EXPECT_EQ(found.at("thread"), run.process().pid()) << found;
    EXPECT_EQ(found.at("thread_name"), "turnstile") << found;
    EXPECT_EQ(found.at("calls"), 1) << found;
    EXPECT_GE(found.at("since_ms"), 0) << found;
    EXPECT_EQ(found.at("sql"),
              "INSERT INTO note(title, score) VALUES (?, (WITH RECURSIVE c(i) AS (SELECT ? UNION "
              "ALL SELECT i + ? FROM c) SELECT max(i) FROM c))")
        << found;
  }
  run.process().kill();
  EXPECT_EQ(locks(), Json::array());
}

TEST_F(CliLocks, NamesTheReadOfAProcessThatCannotWrite) {
  exec("INSERT INTO note(title) VALUES ('x')");
  CliRun reader({"query", db_, std::string(kCountForEver) + " SELECT max(i), title FROM c, note"});
  const auto read = [&] {
    for (const Json& lock : locks())
      if (lock.at("title").get<std::string>().starts_with("WAL read mark") &&
          lock.at("pid") == reader.process().pid() && lock.at("sql").is_string())
        return lock;
    return Json();
  };
  ASSERT_TRUE(soon([&] { return !read().is_null(); }));
  const Json lock = read();
  EXPECT_THAT(lock.at("lock").get<std::string>(), testing::MatchesRegex("READ[0-4]"));
  EXPECT_EQ(lock.at("lane"), "cli");
  EXPECT_EQ(lock.at("kind"), "read");
  EXPECT_EQ(lock.at("calls"), 1);
  EXPECT_THAT(lock.at("sql").get<std::string>(), HasSubstr("SELECT max(i), title FROM c, note"));
}

// DOC-02: what is only looked at stays as it is. DOC-03: nobody loses a lock by it.
TEST_F(CliLocks, ChangesNeitherAFileNorALock) {
  const std::string path = directory_.file("plain.db");
  SqliteShell shell(path);
  ASSERT_EQ(shell.run("PRAGMA journal_mode=WAL; CREATE TABLE t(x)"), "wal\n");
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)"), "");
  const auto files = fingerprint(directory_.path());
  const std::string kernel = locks_of(shell.pid());
  ASSERT_EQ(run_cli({"locks", path}).status, 0);
  ASSERT_EQ(run_cli({"locks", path, "--json"}).status, 0);
  EXPECT_EQ(fingerprint(directory_.path()), files);
  EXPECT_EQ(locks_of(shell.pid()), kernel);
  EXPECT_THAT(SqliteShell(path).run("BEGIN IMMEDIATE"), HasSubstr("locked"));
  EXPECT_EQ(shell.run("COMMIT; SELECT x FROM t"), "1\n");
}

TEST_F(CliLocks, SaysWhichFileIsMissing) {
  const CliResult result = run_cli({"locks", directory_.file("nowhere.db"), "--json"});
  EXPECT_EQ(result.status, 4);
  EXPECT_EQ(error_of(result).at("code"), "DB_NOT_FOUND");
}

TEST_F(CliLocks, WatchesUntilItIsInterrupted) {
  SqliteShell shell(db_);
  ASSERT_EQ(shell.run("BEGIN IMMEDIATE"), "");
  CliRun run({"locks", "file:" + db_, "--watch", "--json"});
  const Json first = Json::parse(run.process().read_line());
  EXPECT_FALSE(first.at("locks").empty());
  // A stranger does not say since when; what was seen twice has been there for so long at least.
  const Json later = Json::parse(run.process().read_line());
  EXPECT_GT(later.at("locks").at(0).at("since_ms"), 0);
  EXPECT_EQ(later.at("locks").at(0).at("since_is_least"), true);
  EXPECT_THAT(first.at("time").get<std::string>(),
              testing::MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
                                    "\\.[0-9]{6}Z"));
  EXPECT_EQ(shell.run("COMMIT"), "");
  // The next looks find that the shell has let go of what keeps others out; what it shares stays
  // for as long as it has the file open.
  const auto is_exclusive = [](const Json& lock) { return lock.at("kind") == "write"; };
  Json locks = first.at("locks");
  while (std::any_of(locks.begin(), locks.end(), is_exclusive))
    locks = Json::parse(run.process().read_line()).at("locks");
  run.process().signal(SIGINT);
  const CliResult result = run.finish();
  EXPECT_EQ(result.status, 130);
  EXPECT_EQ(result.err, "");
}

}  // namespace
}  // namespace turnstile::test
