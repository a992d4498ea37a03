// A process stands still where it has the gate but no transaction: the gate keeps order, and
// SQLite's own lock is all that keeps anybody out.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <future>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include "gate/process_gate.h"
#include "support/actor.h"
#include "support/gate_process.h"
#include "support/interleaving.h"
#include "support/log_events.h"
#include "support/sqlite_shell.h"
#include "support/temp_dir.h"
#include "turnstile/diagnose.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How long a holder may stand still before others go without the gate.
constexpr milliseconds kStandstill = 1000ms;

class Standstill : public testing::Test {
 protected:
  Standstill() : path_(dir_.file("app.db")) {
    Options options;
    options.migrations = {
        {1, "work", "CREATE TABLE work(process INTEGER, thread INTEGER, n INTEGER);"}};
    options.log_sink = events_.sink();
    db_.emplace(Database::open(path_, options));
  }
  ~Standstill() override { EXPECT_EQ(SqliteShell(path_).run("PRAGMA integrity_check"), "ok\n"); }

  void insert(milliseconds timeout = patience()) {
    db_->lane("waiter").write({.timeout = timeout}, [](WriteTx& tx) {
      tx.execute("INSERT INTO work(process, n) VALUES (1, 1)");
    });
  }
  std::int64_t count_rows() {
    return db_->lane("test").read(
        [](ReadTx& tx) { return tx.query<std::int64_t>("SELECT count(*) FROM work").one(); });
  }
  std::int64_t gate_holder() {
    const auto view = gate::ProcessGate::inspect(path_);
    return view && view->holder ? view->holder->pid : 0;
  }
  static void stop(ChildProcess& process) {
    process.signal(SIGSTOP);
    process.wait_until_stopped();
  }

  LogEvents events_;
  TempDir dir_;
  std::string path_;
  std::optional<Database> db_;
};

TEST_F(Standstill, BetweenTransactionsKeepsOthersOutForASecondOnly) {
  GateProcess holder(path_);
  holder.take_at_once();
  const auto before = steady_clock::now();
  holder.stop();
  insert();
  EXPECT_GE(steady_clock::now() - before, kStandstill);
  // From now on it is known.
  const auto known = steady_clock::now();
  for (int i = 0; i < 10; ++i)
    insert();
  EXPECT_LT(steady_clock::now() - known, patience(milliseconds(5000)));
  EXPECT_EQ(count_rows(), 11);
}

TEST_F(Standstill, ThatIsPassedIsToldOnceAndCountedEachTime) {
  insert();
  EXPECT_EQ(db_->metrics().gate_bypasses, 0U);
  for (int episode = 1; episode <= 2; ++episode) {
    GateProcess holder(path_);
    holder.take_at_once();
    holder.stop();
    for (int i = 0; i < 3; ++i)
      insert();
    EXPECT_EQ(db_->metrics().gate_bypasses, 3U * static_cast<unsigned>(episode));
    const std::vector<std::string> told = events_.of("GATE_BYPASSED");
    ASSERT_EQ(told.size(), static_cast<std::size_t>(episode));
    EXPECT_THAT(told.back(), testing::HasSubstr(std::to_string(holder.pid())));
    holder.process().signal(SIGCONT);
    holder.give();
    insert();
    EXPECT_EQ(db_->metrics().gate_bypasses, 3U * static_cast<unsigned>(episode));
  }
}

TEST_F(Standstill, LeavesThePossessionWhereItIs) {
  GateProcess holder(path_);
  holder.take_at_once();
  holder.stop();
  insert();
  EXPECT_EQ(gate_holder(), holder.pid());
  GateProcess other(path_);
  EXPECT_FALSE(other.try_take());
  holder.process().signal(SIGCONT);
  holder.give();
  EXPECT_EQ(gate_holder(), 0);
  other.take_at_once();
  EXPECT_EQ(gate_holder(), other.pid());
}

TEST_F(Standstill, InsideATransactionKeepsOthersOutUntilTheirDeadline) {
  Actor holder;
  holder.must("open " + path_);
  holder.must("hold embeddings");
  stop(holder.process());
  try {
    insert(kStandstill + 300ms);
    ADD_FAILURE() << "the write went through beside another process's";
  } catch (const Timeout& error) {
    EXPECT_EQ(error.code(), "WRITE_TIMEOUT") << error.what();
    EXPECT_EQ(error.holder().pid, holder.pid()) << error.what();
    EXPECT_EQ(error.holder().program, "db_actor") << error.what();
    EXPECT_EQ(error.holder().lane, "embeddings") << error.what();
  }
  EXPECT_EQ(count_rows(), 0);
}

TEST_F(Standstill, JustBeforeItsTransactionIsPassedAndGoesOnLater) {
  Actor holder;
  holder.must("open " + path_);
  holder.must("pause_at Group::begin INSERT INTO work(process, n) VALUES (2, 2)");
  stop(holder.process());
  insert();
  EXPECT_EQ(count_rows(), 1);
  holder.process().signal(SIGCONT);
  EXPECT_EQ(holder.must("go").number("changes"), 1);
  EXPECT_EQ(count_rows(), 2);
  EXPECT_EQ(gate_holder(), 0);
}

TEST_F(Standstill, JustAfterItsTransactionIsPassedAndGoesOnLater) {
  Actor holder;
  holder.must("open " + path_);
  holder.must("pause_at ProcessGate::give INSERT INTO work(process, n) VALUES (2, 2)");
  stop(holder.process());
  insert();
  EXPECT_EQ(count_rows(), 2);
  holder.process().signal(SIGCONT);
  EXPECT_EQ(holder.must("go").number("changes"), 1);
  holder.must("exec INSERT INTO work(process, n) VALUES (2, 3)");
  EXPECT_EQ(count_rows(), 3);
}

TEST_F(Standstill, IsPassedByAllWhoWait) {
  GateProcess holder(path_);
  Actor other;
  other.must("open " + path_);
  holder.take_at_once();
  holder.stop();
  other.send("load 2 2500 100");
  const auto until = steady_clock::now() + 2500ms;
  std::int64_t own = 0;
  for (; steady_clock::now() < until; ++own)
    insert();
  const Reply reply = other.reply();
  EXPECT_EQ(reply.number("failed"), 0) << reply.line();
  EXPECT_GT(own, 1);
  EXPECT_GT(reply.number("committed"), 1) << reply.line();
  EXPECT_EQ(count_rows(), own + reply.number("committed"));
}

TEST_F(Standstill, OfAHolderAndOfTheFirstInLineIsPassedToo) {
  GateProcess holder(path_);
  GateProcess first(path_);
  holder.take_at_once();
  first.queue_up();
  holder.stop();
  first.stop();
  insert();
  EXPECT_EQ(count_rows(), 1);
}

TEST_F(Standstill, DoesNotKeepOthersFromOpeningTheDatabase) {
  GateProcess holder(path_);
  holder.take_at_once();
  holder.stop();
  Actor starter;
  starter.must("open " + path_ + " timeout=" + std::to_string(patience().count()));
  starter.must("exec INSERT INTO work(process, n) VALUES (2, 2)");
  EXPECT_EQ(count_rows(), 1);
}

// A holder that moves, if only from one transaction to the next, is waited for.
TEST_F(Standstill, IsNotWhatAWorkingHolderDoes) {
  gate::ProcessGate own(path_);
  GateProcess holder(path_);
  holder.take_at_once();
  const AtPoint queued("ProcessGate::take:queued");
  std::atomic<bool> abandoned{false};
  auto wait = std::async(std::launch::async, [&] {
    return own.take(gate::Claim::of_this_thread("test", std::source_location::current()),
                    Deadline::never(), [&] { return abandoned.load(); });
  });
  const auto until = steady_clock::now() + 2 * kStandstill;
  while (steady_clock::now() < until)
    ASSERT_TRUE(holder.try_take());  // Has it already, for the next of its threads.
  abandoned = true;
  EXPECT_EQ(wait.get(), gate::Wait::Cancelled);
}

}  // namespace
}  // namespace turnstile::test
