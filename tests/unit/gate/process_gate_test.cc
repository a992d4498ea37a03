// What one process can see of the gate between processes. Two gates in one process exclude each
// other as those of two processes do, since both kinds of lock belong to the open file.
#include "gate/process_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <limits>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gate/file_locks.h"
#include "gate/gate_file.h"
#include "support/claims.h"
#include "support/interleaving.h"
#include "support/temp_dir.h"

namespace turnstile::gate {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::AtPoint;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class ProcessGateTest : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path database() const { return directory_.file("app.db"); }
  [[nodiscard]] std::filesystem::path gate_file() const {
    return ProcessGate::path_for(database());
  }

  // The code and message of what the constructor throws.
  [[nodiscard]] std::string refusal() const {
    try {
      const ProcessGate gate(database());
    } catch (const StorageError& error) {
      return error.what();
    }
    return "nothing";
  }

  test::TempDir directory_;
};

TEST_F(ProcessGateTest, StandsBesideTheDatabase) {
  const ProcessGate gate(database());
  EXPECT_EQ(gate_file(), directory_.path() / "app.db-gate");
  EXPECT_TRUE(std::filesystem::is_regular_file(gate_file()));
}

TEST_F(ProcessGateTest, IsHadByOneAtATime) {
  ProcessGate first(database());
  ProcessGate second(database());
  EXPECT_EQ(first.take(claim(), at_once()), Wait::Granted);
  EXPECT_EQ(second.take(claim(), at_once()), Wait::TimedOut);
  first.give();
  EXPECT_EQ(second.take(claim(), at_once()), Wait::Granted);
  EXPECT_EQ(first.take(claim(), at_once()), Wait::TimedOut);
}

TEST_F(ProcessGateTest, IsTakenOnlyOnceByItsHolder) {
  ProcessGate gate(database());
  EXPECT_FALSE(gate.held());
  EXPECT_EQ(gate.take(claim(), at_once()), Wait::Granted);
  EXPECT_EQ(gate.take(claim(), at_once()), Wait::Granted);
  EXPECT_TRUE(gate.held());
  gate.give();
  EXPECT_FALSE(gate.held());
  gate.give();
  EXPECT_EQ(ProcessGate(database()).take(claim(), at_once()), Wait::Granted);
}

TEST_F(ProcessGateTest, IsFreeAfterTheEndOfItsHolder) {
  {
    ProcessGate gate(database());
    ASSERT_EQ(gate.take(claim(), at_once()), Wait::Granted);
  }
  EXPECT_EQ(ProcessGate(database()).take(claim(), at_once()), Wait::Granted);
}

TEST_F(ProcessGateTest, CanBeJoinedDuringALongTransaction) {
  ProcessGate first(database());
  ASSERT_EQ(first.take(claim(), at_once()), Wait::Granted);
  const auto before = steady_clock::now();
  const ProcessGate second(database());
  EXPECT_LT(steady_clock::now() - before, test::patience(milliseconds(1000)));
}

TEST_F(ProcessGateTest, ShowsItsHolder) {
  ProcessGate gate(database());
  EXPECT_FALSE(gate.view().holder);
  const auto before = std::chrono::system_clock::now();
  ASSERT_EQ(gate.take(claim("notes"), at_once()), Wait::Granted);
  for (const GateView& view : {gate.view(), *ProcessGate::inspect(database())}) {
    ASSERT_TRUE(view.holder);
    EXPECT_EQ(view.holder->pid, ::getpid());
    EXPECT_EQ(view.holder->thread_id, this_thread_id());
    EXPECT_EQ(view.holder->lane, "notes");
    EXPECT_GE(view.holder->since, before - milliseconds(1));
    EXPECT_LE(view.holder->since, std::chrono::system_clock::now());
  }
  gate.give();
  EXPECT_FALSE(gate.view().holder);
  EXPECT_FALSE(ProcessGate::inspect(database())->holder);
}

TEST_F(ProcessGateTest, ShowsForWhomItIsKept) {
  ProcessGate gate(database());
  ASSERT_EQ(gate.take(claim("notes"), at_once()), Wait::Granted);
  ASSERT_EQ(gate.take(claim("audit"), at_once()), Wait::Granted);
  EXPECT_EQ(gate.view().holder->lane, "audit");
}

TEST_F(ProcessGateTest, TellsItsHolderInWords) {
  ProcessGate gate(database());
  ASSERT_EQ(gate.take(claim("notes"), at_once()), Wait::Granted);
  const GateView view = gate.view();
  ASSERT_TRUE(view.holder);
  const Holder holder = view.holder->as_holder("gate");
  EXPECT_EQ(holder.kind, Holder::Kind::Process);
  EXPECT_EQ(holder.lock, "gate");
  EXPECT_EQ(holder.lane, "notes");
  EXPECT_EQ(holder.program, program_of(::getpid()));
  EXPECT_EQ(holder.since, view.holder->since);
}

TEST_F(ProcessGateTest, CutsLongLanesBetweenCharacters) {
  ProcessGate gate(database());
  const std::string lane = std::string(46, 'a') + "\u00e9" + std::string(20, 'b');
  ASSERT_EQ(gate.take(claim(lane), at_once()), Wait::Granted);
  EXPECT_EQ(gate.view().holder->lane, std::string(46, 'a'));
}

TEST_F(ProcessGateTest, ShowsWhoWaits) {
  ProcessGate first(database());
  ProcessGate second(database());
  ASSERT_EQ(first.take(claim(), at_once()), Wait::Granted);
  EXPECT_THAT(first.view().waiting, IsEmpty());
  AtPoint queued("ProcessGate::take:queued");
  auto waiter =
      std::async(std::launch::async, [&] { return second.take(claim(), Deadline::never()); });
  queued.wait_until_reached();
  EXPECT_THAT(first.view().waiting, ElementsAre(::getpid()));
  EXPECT_THAT(ProcessGate::inspect(database())->waiting, ElementsAre(::getpid()));
  first.give();
  EXPECT_EQ(waiter.get(), Wait::Granted);
  EXPECT_THAT(first.view().waiting, IsEmpty());
}

TEST_F(ProcessGateTest, IsKeptWhileNobodyWaits) {
  ProcessGate gate(database());
  EXPECT_FALSE(gate.should_give());
  ASSERT_EQ(gate.take(claim(), at_once()), Wait::Granted);
  const auto until = steady_clock::now() + milliseconds(3);
  while (steady_clock::now() < until)
    EXPECT_FALSE(gate.should_give());
}

TEST_F(ProcessGateTest, IsToBeGivenUpAfterAShareOfTimeWhenOthersWait) {
  ProcessGate first(database());
  ProcessGate second(database());
  const auto taken = steady_clock::now();
  ASSERT_EQ(first.take(claim(), at_once()), Wait::Granted);
  AtPoint queued("ProcessGate::take:queued");
  auto waiter =
      std::async(std::launch::async, [&] { return second.take(claim(), Deadline::never()); });
  queued.wait_until_reached();
  while (!first.should_give())
    ASSERT_LT(steady_clock::now() - taken, test::patience());
  EXPECT_GE(steady_clock::now() - taken, milliseconds(1));
  first.give();
  EXPECT_EQ(waiter.get(), Wait::Granted);
}

TEST_F(ProcessGateTest, IsNotTakenPastAWaiter) {
  ProcessGate first(database());
  ProcessGate second(database());
  ASSERT_EQ(first.take(claim(), at_once()), Wait::Granted);
  AtPoint queued("ProcessGate::take:queued", 1);
  auto waiter =
      std::async(std::launch::async, [&] { return second.take(claim(), Deadline::never()); });
  queued.wait_until_reached();
  first.give();
  EXPECT_EQ(first.take(claim(), at_once()), Wait::TimedOut);
  queued.release();
  EXPECT_EQ(waiter.get(), Wait::Granted);
}

TEST_F(ProcessGateTest, PassesAWakeUpOnThatCameWithTheDeadline) {
  ProcessGate holder(database());
  ProcessGate late(database());
  ProcessGate next(database());
  ASSERT_EQ(holder.take(claim(), at_once()), Wait::Granted);
  AtPoint deadline_passed("ProcessGate::take:deadline_passed", 1);
  auto late_take = std::async(std::launch::async, [&] { return late.take(claim(), at_once()); });
  deadline_passed.wait_until_reached();
  // Stopped before its first try, so that no timer of its own can do what the wake-up should.
  AtPoint queued("ProcessGate::take:queued", 1);
  auto next_take =
      std::async(std::launch::async, [&] { return next.take(claim(), Deadline::never()); });
  queued.wait_until_reached();
  const GateFile file = *GateFile::look_at(gate_file());
  const auto wake_ups_of_next = [&] { return file.page().slots[2].wake_ups.load(); };
  const std::uint32_t before = wake_ups_of_next();
  holder.give();
  ASSERT_EQ(wake_ups_of_next(), before);
  deadline_passed.release();
  EXPECT_EQ(late_take.get(), Wait::TimedOut);
  EXPECT_EQ(wake_ups_of_next(), before + 1);
  queued.release();
  EXPECT_EQ(next_take.get(), Wait::Granted);
}

volatile std::sig_atomic_t alarms = 0;

TEST_F(ProcessGateTest, WaitsToItsDeadlineThroughSignals) {
  struct sigaction action {};
  struct sigaction former {};
  action.sa_handler = [](int) { alarms = alarms + 1; };
  ASSERT_EQ(::sigaction(SIGALRM, &action, &former), 0);
  ProcessGate first(database());
  ProcessGate second(database());
  ASSERT_EQ(first.take(claim(), at_once()), Wait::Granted);
  const itimerval every_millisecond{.it_interval = {0, 1000}, .it_value = {0, 1000}};
  ASSERT_EQ(::setitimer(ITIMER_REAL, &every_millisecond, nullptr), 0);
  const auto before = steady_clock::now();
  EXPECT_EQ(second.take(claim(), Deadline::after(milliseconds(60))), Wait::TimedOut);
  EXPECT_GE(steady_clock::now() - before, milliseconds(60));
  EXPECT_GT(alarms, 0);
  const itimerval never{};
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::sigaction(SIGALRM, &former, nullptr);
}

class CrowdedGate : public ProcessGateTest {
 protected:
  CrowdedGate() {
    for (int i = 0; i < kGateSlots; ++i)
      crowd_.push_back(std::make_unique<ProcessGate>(database()));
  }
  std::vector<std::unique_ptr<ProcessGate>> crowd_;
};

TEST_F(CrowdedGate, StillLetsOneMoreIn) {
  ProcessGate extra(database());
  EXPECT_EQ(extra.take(claim("extra"), at_once()), Wait::Granted);
  ASSERT_TRUE(crowd_[0]->view().holder);
  EXPECT_EQ(crowd_[0]->view().holder->lane, "extra");
  EXPECT_EQ(crowd_[0]->take(claim(), at_once()), Wait::TimedOut);
  extra.give();
  EXPECT_FALSE(crowd_[0]->view().holder);
  EXPECT_EQ(crowd_[0]->take(claim(), at_once()), Wait::Granted);
}

TEST_F(CrowdedGate, LetsOneMoreInBesideAProcessThatAlwaysWantsIt) {
  ProcessGate extra(database());
  ProcessGate& busy = *crowd_[0];
  ASSERT_EQ(busy.take(claim(), at_once()), Wait::Granted);
  auto take = std::async(std::launch::async, [&] {
    const Wait result = extra.take(claim(), Deadline::after(test::patience()));
    extra.give();
    return result;
  });
  int turns = 0;
  while (take.wait_for(milliseconds(0)) != std::future_status::ready) {
    if (busy.should_give()) busy.give();
    ASSERT_EQ(busy.take(claim(), Deadline::never()), Wait::Granted);
    ++turns;
  }
  EXPECT_EQ(take.get(), Wait::Granted);
  EXPECT_GT(turns, 0);
}

TEST_F(CrowdedGate, GivesALeftSlotToTheNextThatHasToWait) {
  ProcessGate extra(database());
  ASSERT_EQ(crowd_[0]->take(claim(), at_once()), Wait::Granted);
  ASSERT_THAT(crowd_[0]->view().waiting, IsEmpty());
  crowd_[1].reset();
  AtPoint queued("ProcessGate::take:queued");
  auto take =
      std::async(std::launch::async, [&] { return extra.take(claim(), Deadline::never()); });
  queued.wait_until_reached();
  EXPECT_THAT(crowd_[0]->view().waiting, ElementsAre(::getpid()));
  crowd_[0]->give();
  EXPECT_EQ(take.get(), Wait::Granted);
}

TEST_F(ProcessGateTest, CompletesAFileThatWasLeftHalfMade) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{100}, kGateFileSize}) {
    std::ofstream(gate_file(), std::ios::trunc) << std::string(size, '\0');
    ProcessGate gate(database());
    EXPECT_EQ(gate.take(claim(), at_once()), Wait::Granted);
    EXPECT_EQ(std::filesystem::file_size(gate_file()), kGateFileSize);
  }
}

TEST_F(ProcessGateTest, IsFreeAfterTheMachineStoppedWithProcessesInLine) {
  {
    GateFile file(gate_file(), database());
    GatePage& page = file.page();
    page.last_ticket = 7;
    page.slots[5].ticket = 7;
    page.waiting = std::uint64_t{1} << 5;
    // The clock of the next start is far behind these.
    page.free_since_ns = std::numeric_limits<std::int64_t>::max();
    page.crowded_ns = std::numeric_limits<std::int64_t>::max();
  }
  ProcessGate gate(database());
  EXPECT_EQ(gate.take(claim(), Deadline::after(test::patience())), Wait::Granted);
  EXPECT_FALSE(gate.should_give());
}

TEST_F(ProcessGateTest, IsMadeAnewWhereItsBeginningDidNotReachTheMediumBeforeAPowerFailure) {
  { const ProcessGate gate(database()); }
  std::string content = read_file(gate_file());
  ASSERT_EQ(content.size(), kGateFileSize);
  content.replace(0, content.size() / 2, content.size() / 2, '\0');
  content.back() = 'x';
  std::ofstream(gate_file(), std::ios::trunc) << content;
  ProcessGate gate(database());
  EXPECT_EQ(gate.take(claim(), Deadline::after(test::patience())), Wait::Granted);
  EXPECT_EQ(read_file(gate_file()).back(), '\0');
}

TEST_F(ProcessGateTest, AllocatesItsFileInFull) {
  const ProcessGate gate(database());
  struct stat status {};
  ASSERT_EQ(::stat(gate_file().c_str(), &status), 0);
  EXPECT_GE(static_cast<std::size_t>(status.st_blocks) * 512, kGateFileSize);
}

TEST_F(ProcessGateTest, RefusesAForeignFileAndLeavesItAlone) {
  const std::string content = "not a gate";
  std::ofstream(gate_file()) << content;
  EXPECT_THAT(refusal(), HasSubstr("GATE_UNAVAILABLE"));
  EXPECT_THAT(refusal(), HasSubstr(gate_file().string()));
  EXPECT_EQ(read_file(gate_file()), content);
}

TEST_F(ProcessGateTest, RefusesAnotherVersionAndLeavesItAlone) {
  { const ProcessGate gate(database()); }
  std::string content = read_file(gate_file());
  ASSERT_EQ(content.size(), kGateFileSize);
  ++content[0];
  std::ofstream(gate_file(), std::ios::trunc) << content;
  EXPECT_THAT(refusal(), HasSubstr("not a gate file of this version"));
  EXPECT_EQ(read_file(gate_file()), content);
}

TEST_F(ProcessGateTest, RefusesASymbolicLink) {
  const std::filesystem::path victim = directory_.file("victim");
  std::ofstream(victim).flush();
  std::filesystem::create_symlink(victim, gate_file());
  EXPECT_THAT(refusal(), HasSubstr("GATE_UNAVAILABLE"));
  EXPECT_EQ(std::filesystem::file_size(victim), 0U);
}

TEST_F(ProcessGateTest, RefusesADirectory) {
  std::filesystem::create_directory(gate_file());
  EXPECT_THAT(refusal(), HasSubstr("GATE_UNAVAILABLE"));
}

TEST_F(ProcessGateTest, TellsWhyTheFileCannotBeMade) {
  try {
    const ProcessGate gate(directory_.path() / "missing" / "app.db");
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_EQ(error.code(), "GATE_UNAVAILABLE");
    EXPECT_EQ(error.system_code(), ENOENT);
    EXPECT_THAT(std::string(error.message()), HasSubstr("missing/app.db-gate"));
    EXPECT_THAT(std::string(error.hint()), HasSubstr("directory"));
  }
}

TEST_F(ProcessGateTest, HasThePermissionsOfTheDatabase) {
  std::ofstream(database()).flush();
  for (const auto& [mode, expected] :
       {std::pair<mode_t, mode_t>{0664, 0664}, {0600, 0600}, {0444, 0644}, {0755, 0644}}) {
    ASSERT_EQ(::chmod(database().c_str(), mode), 0);
    const mode_t former = ::umask(0077);
    const ProcessGate gate(database());
    ::umask(former);
    struct stat status {};
    ASSERT_EQ(::stat(gate_file().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, expected) << std::oct << mode;
  }
}

TEST_F(ProcessGateTest, ShowsNothingWithoutAGateFile) {
  EXPECT_FALSE(ProcessGate::inspect(database()));
  EXPECT_FALSE(std::filesystem::exists(gate_file()));
}

TEST_F(ProcessGateTest, ShowsNothingOfAForeignFile) {
  std::ofstream(gate_file()) << std::string(kGateFileSize, 'x');
  EXPECT_FALSE(ProcessGate::inspect(database()));
}

TEST(GateRecord, CanBeReadAgainAfterAWriterDiedInTheMiddle) {
  GateRecord record;
  GateOwner owner;
  owner.pid = 7;
  record.write(owner);
  ASSERT_TRUE(record.read());
  // The sequence number is the first word; what such a death leaves is an odd one.
  auto* sequence = reinterpret_cast<std::atomic<std::uint64_t>*>(&record);
  sequence->fetch_add(1);
  EXPECT_FALSE(record.read());
  owner.pid = 8;
  record.write(owner);
  ASSERT_TRUE(record.read());
  EXPECT_EQ(record.read()->pid, 8);
}

}  // namespace
}  // namespace turnstile::gate
