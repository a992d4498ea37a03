// The gate between real processes, and what happens when some of them die or stand still.
#include "gate/process_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "support/child_process.h"
#include "support/claims.h"
#include "support/gate_process.h"
#include "support/raw_sqlite.h"
#include "support/temp_dir.h"

namespace turnstile::gate {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::actor_path;
using test::ChildProcess;
using test::GateProcess;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

class GateBetweenProcesses : public testing::Test {
 protected:
  [[nodiscard]] std::string database() const { return directory_.file("app.db"); }

  // In microseconds, for `--gtest_output`.
  static void report(const char* name, steady_clock::duration latency) {
    RecordProperty(
        name,
        std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(latency).count()));
  }

  test::TempDir directory_;
};

TEST_F(GateBetweenProcesses, GrantsInArrivalOrder) {
  // While somebody writes, nobody goes without the gate.
  test::RawSqlite writer(database());
  writer.run("BEGIN IMMEDIATE");
  ProcessGate own(database());
  GateProcess first(database());
  GateProcess second(database());
  GateProcess third(database());
  ASSERT_EQ(own.take(claim(), at_once()), Wait::Granted);
  third.queue_up();
  first.queue_up();
  second.queue_up();
  test::GateLine line({&third, &first, &second});
  EXPECT_EQ(own.view().waiting, line.pids());
  auto given = steady_clock::now();
  own.give();
  for (int turn = 0; turn < 3; ++turn) {
    const test::GateLine::Grant grant = line.next(given);
    EXPECT_EQ(own.view().waiting, line.pids());
    given = steady_clock::now();
    grant.process->give();
  }
}

TEST_F(GateBetweenProcesses, NamesTheProcessThatHasIt) {
  const ProcessGate own(database());
  GateProcess actor(database());
  actor.take_at_once();
  const GateView view = own.view();
  ASSERT_TRUE(view.holder);
  const Holder holder = view.holder->as_holder("gate");
  EXPECT_EQ(holder.pid, actor.pid());
  EXPECT_EQ(holder.thread_id, actor.pid());
  EXPECT_EQ(holder.lane, actor.lane());
  EXPECT_EQ(holder.program, "gate_actor");
  EXPECT_EQ(holder.thread, "gate_actor");
}

TEST_F(GateBetweenProcesses, GoesToTheNextInLineWhenItsHolderIsKilled) {
  const ProcessGate own(database());
  GateProcess holder(database());
  GateProcess first(database());
  GateProcess second(database());
  GateProcess third(database());
  holder.take_at_once();
  first.queue_up();
  second.queue_up();
  third.queue_up();
  test::GateLine line({&first, &second, &third});
  const auto killed = steady_clock::now();
  holder.process().kill();
  const test::GateLine::Grant grant = line.next(killed);
  EXPECT_EQ(own.view().waiting, line.pids());
  report("kill_holder_us", grant.at - killed);
  EXPECT_LT(grant.at - killed, test::patience(milliseconds(1000)));
}

TEST_F(GateBetweenProcesses, ShowsNobodyWhenItsHolderWasKilled) {
  const ProcessGate own(database());
  GateProcess holder(database());
  holder.take_at_once();
  ASSERT_TRUE(own.view().holder);
  holder.process().kill();
  EXPECT_FALSE(own.view().holder);
  EXPECT_FALSE(ProcessGate::inspect(database())->holder);
}

TEST_F(GateBetweenProcesses, DoesNotTakeTheSuccessorInASlotForItsKilledHolder) {
  const ProcessGate own(database());
  {
    GateProcess holder(database());
    holder.take_at_once();
    holder.process().kill();
  }
  const GateProcess successor(database());
  EXPECT_FALSE(own.view().holder);
}

TEST_F(GateBetweenProcesses, SkipsAKilledWaiter) {
  ProcessGate own(database());
  GateProcess dead(database());
  GateProcess next(database());
  ASSERT_EQ(own.take(claim(), at_once()), Wait::Granted);
  dead.queue_up();
  next.queue_up();
  dead.process().kill();
  EXPECT_THAT(own.view().waiting, ElementsAre(next.pid()));
  const auto given = steady_clock::now();
  own.give();
  const auto granted = next.granted();
  report("kill_waiter_us", granted - given);
  EXPECT_LT(granted - given, test::patience(milliseconds(1000)));
}

TEST_F(GateBetweenProcesses, GivesTheSlotOfAKilledWaiterToTheNextProcess) {
  ProcessGate own(database());
  ASSERT_EQ(own.take(claim(), at_once()), Wait::Granted);
  GateProcess dead(database());
  dead.queue_up();
  dead.process().kill();
  const GateProcess successor(database());
  EXPECT_THAT(own.view().waiting, IsEmpty());
  EXPECT_FALSE(own.should_give());
}

TEST_F(GateBetweenProcesses, SkipsAStoppedWaiterUntilItRunsAgain) {
  ProcessGate own(database());
  GateProcess stopped(database());
  GateProcess next(database());
  ASSERT_EQ(own.take(claim(), at_once()), Wait::Granted);
  stopped.queue_up();
  next.queue_up();
  stopped.stop();
  const auto given = steady_clock::now();
  own.give();
  const auto granted = next.granted();
  report("stop_waiter_us", granted - given);
  EXPECT_LT(granted - given, test::patience(milliseconds(1000)));
  next.give();
  stopped.process().signal(SIGCONT);
  stopped.granted();
}

TEST_F(GateBetweenProcesses, TimesOutAndNamesAStoppedHolder) {
  ProcessGate own(database());
  GateProcess holder(database());
  holder.take_at_once();
  holder.stop();
  const auto before = steady_clock::now();
  EXPECT_EQ(own.take(claim(), Deadline::after(milliseconds(50))), Wait::TimedOut);
  EXPECT_GE(steady_clock::now() - before, milliseconds(50));
  const GateView view = own.view();
  ASSERT_TRUE(view.holder);
  EXPECT_EQ(view.holder->pid, holder.pid());
  EXPECT_EQ(view.holder->lane, holder.lane());
  holder.process().signal(SIGCONT);
  holder.give();
  EXPECT_EQ(own.take(claim(), at_once()), Wait::Granted);
}

TEST_F(GateBetweenProcesses, IsMadeOnceByProcessesThatStartTogether) {
  for (int round = 0; round < 10; ++round) {
    std::filesystem::remove(ProcessGate::path_for(database()));
    std::vector<ChildProcess> processes;
    for (int i = 0; i < 4; ++i)
      processes.emplace_back(ChildProcess({actor_path("gate"), database()}));
    for (ChildProcess& process : processes)
      process.send("give");
    for (ChildProcess& process : processes)
      ASSERT_EQ(process.read_line(), "given");
    ASSERT_THAT(processes[0].ask("take 0 test"), StartsWith("granted"));
    ASSERT_EQ(processes[1].ask("take 0 test"), "queued");
    EXPECT_EQ(processes[1].read_line(), "timeout");
  }
}

TEST_F(GateBetweenProcesses, LetsOnlyOneInUnderLoadWithAKill) {
  constexpr int kProcesses = 4;
  constexpr int kTimes = 3000;
  const std::string file = directory_.file("number");
  std::ofstream(file).flush();
  GateProcess victim(database());
  victim.process().send("count 1000000000 " + file);
  std::vector<ChildProcess> processes;
  for (int i = 0; i < kProcesses; ++i) {
    processes.emplace_back(ChildProcess({actor_path("gate"), database()}));
    processes.back().send("count " + std::to_string(kTimes) + " " + file);
  }
  ASSERT_EQ(processes[0].read_line(), "counted");
  victim.process().kill();
  for (std::size_t i = 1; i < processes.size(); ++i)
    ASSERT_EQ(processes[i].read_line(), "counted");
  const auto number = [&] {
    std::int64_t result = 0;
    std::ifstream(file, std::ios::binary).read(reinterpret_cast<char*>(&result), sizeof result);
    return result;
  };
  // The victim has added an unknown number; what comes from now on is exact.
  const std::int64_t before = number();
  EXPECT_GE(before, kProcesses * kTimes);
  for (ChildProcess& process : processes)
    process.send("count " + std::to_string(kTimes) + " " + file);
  for (ChildProcess& process : processes)
    ASSERT_EQ(process.read_line(), "counted");
  EXPECT_EQ(number() - before, kProcesses * kTimes);
}

TEST_F(GateBetweenProcesses, IsNotGivenUpByAForkedChild) {
  ProcessGate own(database());
  ASSERT_EQ(own.take(claim(), at_once()), Wait::Granted);
  auto copy = std::make_unique<ProcessGate>(database());
  own.give();
  ASSERT_EQ(copy->take(claim(), at_once()), Wait::Granted);
  const pid_t child = ::fork();
  if (child == 0) {
    copy.reset();
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(own.take(claim(), at_once()), Wait::TimedOut);
}

// In a process that may not do all that root may. Returns the code of the error, or nothing.
std::string try_as_nobody(const std::string& database) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr uid_t kNobody = 65534;
    std::string answer;
    if (::geteuid() == 0 && ::setresuid(kNobody, kNobody, kNobody) != 0) {
      answer = "cannot become nobody";
    } else {
      try {
        const ProcessGate gate(database);
      } catch (const Error& error) {
        answer = std::string(error.code()) + " " + std::to_string(error.system_code());
      }
    }
    const ssize_t written = ::write(ends[1], answer.data(), answer.size());
    ::_exit(written == static_cast<ssize_t>(answer.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::array<char, 256> answer{};
  const ssize_t length = ::read(ends[0], answer.data(), answer.size());
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return {answer.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0))};
}

TEST_F(GateBetweenProcesses, RefusesAUserWhoMayNotUseItsFile) {
  { const ProcessGate gate(database()); }
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0755), 0);
  ASSERT_EQ(::chmod(ProcessGate::path_for(database()).c_str(), 0000), 0);
  EXPECT_EQ(try_as_nobody(database()), "GATE_UNAVAILABLE " + std::to_string(EACCES));
}

TEST_F(GateBetweenProcesses, RefusesAUserWhoMayNotMakeItsFile) {
  std::ofstream(database()).flush();
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0555), 0);
  EXPECT_EQ(try_as_nobody(database()), "GATE_UNAVAILABLE " + std::to_string(EACCES));
  ASSERT_EQ(::chmod(directory_.path().c_str(), 0755), 0);
}

TEST_F(GateBetweenProcesses, BelongsToTheOwnerOfTheDatabaseWhenRootMakesIt) {
  std::ofstream(database()).flush();
  if (::geteuid() == 0) {
    constexpr uid_t kNobody = 65534;
    ASSERT_EQ(::chown(database().c_str(), kNobody, kNobody), 0);
    ASSERT_EQ(::chown(directory_.path().c_str(), kNobody, kNobody), 0);
  }
  { const ProcessGate gate(database()); }
  EXPECT_EQ(try_as_nobody(database()), "");
}

}  // namespace
}  // namespace turnstile::gate
