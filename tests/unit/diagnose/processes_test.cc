#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>
#include <string>
#include <vector>

#include "support/open_metrics.h"
#include "support/run_script.h"
#include "support/temp_dir.h"
#include "turnstile/diagnose.h"
#include "turnstile/turnstile.h"

namespace turnstile {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class Processes : public testing::Test {
 protected:
  Processes() : db_(Database::open(path())) {
    test::run_script(db_.lane("notes"), "CREATE TABLE t(x); INSERT INTO t VALUES (1)");
  }
  [[nodiscard]] std::string path() const { return directory_.file("app.db"); }

  test::TempDir directory_;
  Database db_;
};

TEST_F(Processes, ShowTheirCallsTheOldestFirst) {
  db_.lane("reports").read([&](ReadTx& tx) {
    ASSERT_EQ(tx.query<std::int64_t>("SELECT count(*) FROM t WHERE x = 1").one(), 1);
    db_.lane("notes").write([&](WriteTx& write) {
      write.execute("UPDATE t SET x = 'new'");
      const std::vector<ProcessInfo> list = processes(path());
      ASSERT_EQ(list.size(), 1U);
      const ProcessInfo& own = list[0];
      EXPECT_EQ(own.pid, ::getpid());
      EXPECT_FALSE(own.program.empty());
      EXPECT_EQ(own.writer, "writing");
      ASSERT_EQ(own.calls.size(), 2U);
      EXPECT_GE(own.calls[0].since, own.calls[1].since);
      std::set<std::string> seen;
      for (const CallInfo& call : own.calls) {
        EXPECT_EQ(call.thread, ::gettid());
        seen.insert(call.kind + " " + call.lane + ": " + call.sql);
      }
      EXPECT_THAT(seen, testing::ElementsAre("read reports: SELECT count(*) FROM t WHERE x = ?",
                                             "write notes: UPDATE t SET x = ?"));
      EXPECT_EQ(own.metrics.pool.readers_leased, 1);
    });
  });
  const std::vector<ProcessInfo> list = processes(path());
  ASSERT_EQ(list.size(), 1U);
  EXPECT_THAT(list[0].calls, IsEmpty());
  EXPECT_EQ(list[0].writer, "idle");
  EXPECT_EQ(list[0].metrics.lanes.size(), db_.metrics().lanes.size());
}

TEST_F(Processes, AreThoseThatHaveTheDatabaseOpen) {
  ASSERT_EQ(processes(path()).size(), 1U);
  db_.close();
  EXPECT_THAT(processes(path()), IsEmpty());
}

TEST_F(Processes, AreNotFoundForAFileThatDoesNotExist) {
  try {
    static_cast<void>(processes(directory_.file("missing.db")));
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_EQ(error.code(), "DB_NOT_FOUND");
  }
}

// Each family once, with the samples of all processes together, as the format has it.
TEST_F(Processes, AreToldToCollectorsTogether) {
  ProcessInfo first = processes(path()).at(0);
  first.pid = 4711;
  first.program = "a\"b";
  ProcessInfo second = first;
  second.pid = 4712;
  second.calls = {{.kind = "write",
                   .lane = "notes",
                   .thread_name = "",
                   .since = std::chrono::milliseconds(1500),
                   .sql = ""}};
  LockInfo lock;
  lock.name = "WRITE";
  lock.kind = "write";
  lock.pid = 4713;
  lock.waiting = 3;
  LockInfo unknown;  // Of an open file description, twice.
  unknown.name = "SHARED";
  unknown.kind = "read";
  const std::string text = to_open_metrics({first, second}, {lock, unknown, unknown});
  EXPECT_NO_THROW(test::open_metrics::Parser::parse(text)) << text;
  EXPECT_THAT(text, HasSubstr("turnstile_lock_held{lock=\"SHARED\",kind=\"read\",pid=\"0\","
                              "program=\"\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("turnstile_process_info{pid=\"4711\",program=\"a\\\"b\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("turnstile_lane_writes_total{pid=\"4711\",lane=\"notes\"} 1\n"
                              "turnstile_lane_writes_total{pid=\"4712\",lane=\"notes\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("pid=\"4712\",program=\"a\\\"b\",kind=\"write\"} 1.5\n"));
  EXPECT_THAT(text, HasSubstr("turnstile_lock_waiting_calls{lock=\"WRITE\",kind=\"write\","
                              "pid=\"4713\",program=\"\"} 3\n"));
  EXPECT_THAT(text, testing::EndsWith("# EOF\n"));
  std::set<std::string> families;
  for (std::size_t at = text.find("# TYPE "); at != text.npos; at = text.find("# TYPE ", at + 1))
    EXPECT_TRUE(families.insert(text.substr(at, text.find(' ', at + 7) - at)).second);
  EXPECT_GT(families.size(), 20U);
}

}  // namespace
}  // namespace turnstile
