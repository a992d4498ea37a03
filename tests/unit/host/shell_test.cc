// Programs run as children: what they get, what comes back, and how they are ended.
#include "turnstile/shell.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "host/output_tail.h"
#include "support/child_process.h"
#include "support/forked.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "turnstile/error.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

[[nodiscard]] ShellCommand script(std::string text) {
  return {.words = {"sh", "-c", std::move(text)}};
}

/// A named pipe whose write end a command holds: its opening says that the command runs, its end
/// that all of the command's processes are gone.
class LifeLine {
 public:
  explicit LifeLine(const TempDir& folder) : path_(folder.file("life")) {
    if (::mkfifo(path_.c_str(), 0600) != 0) throw std::runtime_error("cannot make a named pipe");
  }
  ~LifeLine() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  LifeLine(const LifeLine&) = delete;
  LifeLine& operator=(const LifeLine&) = delete;

  /// A script that holds the line with descriptor 9.
  [[nodiscard]] ShellCommand held_by(const std::string& text) const {
    return script("exec 9>'" + path_ + "'; " + text);
  }
  /// Waits for the script to open it, and to say so with a line.
  void wait_for_start() {
    descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    read_byte();
  }
  /// Waits until nobody holds it.
  void wait_for_end() const {
    if (read_byte() != 0) throw std::runtime_error("the command said more than was expected");
  }
  [[nodiscard]] bool is_held() const {
    pollfd line{descriptor_, POLLIN, 0};
    return ::poll(&line, 1, 0) == 0;
  }

 private:
  ssize_t read_byte() const {
    pollfd line{descriptor_, POLLIN, 0};
    if (::poll(&line, 1, static_cast<int>(patience().count())) != 1)
      throw std::runtime_error("the command neither speaks nor ends");
    char byte = 0;
    return ::read(descriptor_, &byte, 1);
  }

  std::string path_;
  int descriptor_ = -1;
};

[[nodiscard]] std::future<ShellOutcome> started(ShellCommand command, std::stop_token stop = {}) {
  return std::async(std::launch::async, [command = std::move(command), stop = std::move(stop)] {
    return run_shell(command, stop);
  });
}

[[nodiscard]] bool has_no_children() {
  return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD;
}

TEST(Shell, GivesTheStatusOfAProgramThatExits) {
  const ShellOutcome outcome = run_shell(script("exit 7"));
  EXPECT_EQ(outcome.exit_status, 7);
  EXPECT_EQ(outcome.signal, 0);
  EXPECT_FALSE(outcome.succeeded());
  EXPECT_TRUE(run_shell({.words = {"true"}}).succeeded());
}

TEST(Shell, GivesTheSignalThatEndedAProgram) {
  const ShellOutcome outcome = run_shell(script("kill -SEGV $$"));
  EXPECT_EQ(outcome.signal, SIGSEGV);
  EXPECT_EQ(outcome.exit_status, -1);
  EXPECT_FALSE(outcome.succeeded());
}

TEST(Shell, DescribesHowAProgramEnded) {
  EXPECT_EQ(run_shell(script("exit 3")).describe(), "exit status 3");
  EXPECT_EQ((ShellOutcome{.signal = SIGKILL, .timed_out = true}).describe(),
            "ended by signal 9 after its time was up");
  EXPECT_EQ((ShellOutcome{.stopped = true}).describe(), "not started after a stop was requested");
}

TEST(Shell, LeavesTheWordsAsTheyAre) {
  EXPECT_EQ(run_shell({.words = {"printf", "%s|", "a b", "$HOME", "*", "", "'"}}).output,
            "a b|$HOME|*||'|");
}

TEST(Shell, MixesOutputAndErrorsInTheOrderOfTheirArrival) {
  EXPECT_EQ(run_shell(script("echo 1; echo 2 >&2; echo 3; echo 4 >&2")).output, "1\n2\n3\n4\n");
}

TEST(Shell, GivesTheInputAndThenItsEnd) {
  const std::string large(300'000, 'x');
  const ShellOutcome outcome = run_shell({.words = {"wc", "-c"}, .input = large});
  EXPECT_EQ(std::stoul(outcome.output), large.size());
  EXPECT_EQ(run_shell({.words = {"cat"}}).output, "");
}

TEST(Shell, DoesNotMindAProgramThatLeavesItsInputUnread) {
  EXPECT_TRUE(run_shell({.words = {"true"}, .input = std::string(300'000, 'x')}).succeeded());
}

TEST(Shell, KeepsTheLastBytesOfTheOutputAndCountsAll) {
  ShellCommand command = script("head -c 1000000 /dev/zero | tr '\\0' a; printf end");
  command.output_limit = 8;
  const ShellOutcome outcome = run_shell(command);
  EXPECT_EQ(outcome.output, "aaaaaend");
  EXPECT_EQ(outcome.output_bytes, 1'000'003U);
}

TEST(Shell, AddsToTheEnvironmentAndReplacesInIt) {
  ShellCommand command = script("printf '%s,%s' \"$TURNSTILE_A\" \"$HOME\"; test -n \"$PATH\"");
  command.environment = {{"TURNSTILE_A", "x=y"}, {"HOME", "/nowhere"}};
  const ShellOutcome outcome = run_shell(command);
  EXPECT_EQ(outcome.output, "x=y,/nowhere");
  EXPECT_TRUE(outcome.succeeded());
}

TEST(Shell, RunsInTheDirectory) {
  const TempDir folder;
  EXPECT_EQ(run_shell({.words = {"pwd", "-P"}, .directory = folder.path()}).output,
            folder.path().string() + "\n");
}

TEST(Shell, FindsARelativeProgramFromItsDirectory) {
  const TempDir folder;
  std::ofstream(folder.file("tool")) << "#!/bin/sh\necho from here\n";
  std::filesystem::permissions(folder.file("tool"), std::filesystem::perms::owner_all);
  EXPECT_EQ(run_shell({.words = {"./tool"}, .directory = folder.path()}).output, "from here\n");
}

TEST(Shell, SaysThatThereIsNoSuchProgram) {
  const auto error = thrown<Error>([] { (void)run_shell({.words = {"turnstile-no-such"}}); });
  EXPECT_EQ(error.code(), "COMMAND_NOT_FOUND");
  EXPECT_THAT(error.what(), HasSubstr("'turnstile-no-such' in the directories of PATH"));
  EXPECT_EQ(thrown<Error>([] { (void)run_shell({.words = {"./no-such"}}); }).code(),
            "COMMAND_NOT_FOUND");
  EXPECT_TRUE(has_no_children());
}

TEST(Shell, SaysWhatKeepsAProgramFromBeingStarted) {
  const TempDir folder;
  const auto no_program =
      thrown<StorageError>([&] { (void)run_shell({.words = {folder.path().string()}}); });
  EXPECT_EQ(no_program.code(), "COMMAND_NOT_STARTED");
  EXPECT_EQ(no_program.system_code(), EACCES);
  const auto no_directory = thrown<StorageError>(
      [&] { (void)run_shell({.words = {"true"}, .directory = folder.path() / "missing"}); });
  EXPECT_EQ(no_directory.code(), "COMMAND_NOT_STARTED");
  EXPECT_THAT(no_directory.what(), HasSubstr("missing"));
  EXPECT_TRUE(has_no_children());
}

TEST(Shell, RefusesWordsThatNoProgramCanGet) {
  const std::string nul("a\0b", 3);
  for (const ShellCommand& command :
       {ShellCommand{}, ShellCommand{.words = {""}}, ShellCommand{.words = {"true", nul}},
        ShellCommand{.words = {"true"}, .environment = {{"A=B", "c"}}},
        ShellCommand{.words = {"true"}, .environment = {{"", "c"}}},
        ShellCommand{.words = {"true"}, .environment = {{"A", nul}}}}) {
    EXPECT_EQ(thrown<MisuseError>([&] { (void)run_shell(command); }).code(), "COMMAND_INVALID");
  }
}

TEST(Shell, EndsAtItsTimeout) {
  ShellCommand command = script("echo begun; exec sleep 1000");
  command.timeout = 50ms;
  const auto begin = std::chrono::steady_clock::now();
  const ShellOutcome outcome = run_shell(command);
  EXPECT_TRUE(outcome.timed_out);
  EXPECT_FALSE(outcome.stopped);
  EXPECT_EQ(outcome.signal, SIGTERM);
  EXPECT_GE(outcome.duration, 50ms);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, patience());
  EXPECT_TRUE(has_no_children());
}

TEST(Shell, EndsWhenAStopIsRequested) {
  const TempDir folder;
  LifeLine line(folder);
  std::stop_source stop;
  auto outcome = started(line.held_by("echo >&9; sleep 1000"), stop.get_token());
  line.wait_for_start();
  stop.request_stop();
  EXPECT_TRUE(outcome.get().stopped);
  line.wait_for_end();
  EXPECT_TRUE(has_no_children());
}

TEST(Shell, StartsNothingAfterAStop) {
  const TempDir folder;
  std::stop_source stop;
  stop.request_stop();
  const ShellOutcome outcome =
      run_shell({.words = {"touch", folder.file("made")}}, stop.get_token());
  EXPECT_TRUE(outcome.stopped);
  EXPECT_FALSE(outcome.succeeded());
  EXPECT_FALSE(std::filesystem::exists(folder.file("made")));
}

TEST(Shell, LetsAProgramEndItself) {
  const TempDir folder;
  LifeLine line(folder);
  std::stop_source stop;
  auto outcome = started(line.held_by("trap 'echo tidied; exit 3' TERM; echo >&9; "
                                      "while :; do sleep 1000 & wait; done"),
                         stop.get_token());
  line.wait_for_start();
  stop.request_stop();
  const ShellOutcome ended = outcome.get();
  EXPECT_EQ(ended.exit_status, 3);
  EXPECT_EQ(ended.output, "tidied\n");
  EXPECT_TRUE(ended.stopped);
  line.wait_for_end();
}

TEST(Shell, KillsTheWholeGroupWhenTheGraceIsOver) {
  const TempDir folder;
  LifeLine line(folder);
  std::stop_source stop;
  // Both ignore SIGTERM: the shell and, by inheritance, its child.
  ShellCommand command = line.held_by("trap '' TERM; sleep 1000 & echo >&9; wait");
  command.grace = 20ms;
  auto outcome = started(command, stop.get_token());
  line.wait_for_start();
  stop.request_stop();
  EXPECT_EQ(outcome.get().signal, SIGKILL);
  line.wait_for_end();
  EXPECT_TRUE(has_no_children());
}

TEST(Shell, KillsThoseThatOutliveTheProgramTheyBelongTo) {
  const TempDir folder;
  LifeLine line(folder);
  std::stop_source stop;
  // The child ignores SIGTERM and holds no output; the shell ends at once.
  ShellCommand command =
      line.held_by("(trap '' TERM; echo >&9; exec sleep 1000) >/dev/null 2>&1 & wait");
  command.grace = 10'000'000ms;
  auto outcome = started(command, stop.get_token());
  line.wait_for_start();
  stop.request_stop();
  (void)outcome.get();
  line.wait_for_end();
}

TEST(Shell, EndsAProgramThatStandsStill) {
  const TempDir folder;
  LifeLine line(folder);
  std::stop_source stop;
  ShellCommand command = line.held_by("echo >&9; kill -STOP $$");
  command.grace = 10'000'000ms;
  auto outcome = started(command, stop.get_token());
  line.wait_for_start();
  siginfo_t info{};
  ASSERT_EQ(::waitid(P_ALL, 0, &info, WSTOPPED | WNOWAIT), 0);
  stop.request_stop();
  EXPECT_TRUE(outcome.get().stopped);
}

TEST(Shell, DoesNotWaitForWhatAProgramLeavesBehind) {
  const TempDir folder;
  LifeLine line(folder);
  auto outcome = started(line.held_by("echo >&9; sleep 1000 & echo $!"));
  line.wait_for_start();
  const ShellOutcome ended = outcome.get();
  EXPECT_TRUE(ended.succeeded());
  EXPECT_TRUE(line.is_held());
  ::kill(std::stoi(ended.output), SIGKILL);
  line.wait_for_end();
}

TEST(Shell, DoesNotWaitForOneLeftBehindThatGoesOnWriting) {
  const TempDir folder;
  LifeLine line(folder);
  auto outcome = started(line.held_by("echo >&9; yes &"));
  line.wait_for_start();
  EXPECT_TRUE(outcome.get().succeeded());
  line.wait_for_end();  // The pipe has no reader any more.
}

TEST(Shell, GivesNoOtherDescriptors) {
  int ends[2] = {};
  ASSERT_EQ(::pipe(ends), 0);  // Not closed at exec, as those of other libraries may be.
  const ShellOutcome outcome = run_shell(script("echo /proc/self/fd/*"));
  ::close(ends[0]);
  ::close(ends[1]);
  // The shell itself opens one more to list them.
  EXPECT_THAT(outcome.output,
              testing::MatchesRegex("/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2( "
                                    "/proc/self/fd/[0-9]+)?\n"));
}

TEST(Shell, KeepsNoDescriptorsItself) {
  const auto count = [] {
    const std::filesystem::directory_iterator open("/proc/self/fd");
    return std::distance(begin(open), end(open));
  };
  (void)run_shell({.words = {"true"}});
  const auto before = count();
  for (int run = 0; run < 8; ++run)
    (void)run_shell({.words = {"cat"}, .input = "text"});
  EXPECT_THROW((void)run_shell({.words = {"turnstile-no-such"}}), Error);
  EXPECT_EQ(count(), before);
}

TEST(Shell, GivesTheDefaultsOfAllSignals) {
  const std::string answer = in_child([] {
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGINT, SIG_IGN);
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    const auto mask = [](const std::string& name) {
      const std::string script = "sed -n 's/^" + name + ":\\t//p' /proc/self/status";
      return std::stoull(run_shell({.words = {"sh", "-c", script}}).output, nullptr, 16);
    };
    // The C library lets its own two signals be ignored between fork and exec, and after.
    constexpr unsigned long long kOfTheCLibrary = 0x180000000;
    return std::string(mask("SigBlk") == 0 && (mask("SigIgn") & ~kOfTheCLibrary) == 0 ? "right"
                                                                                      : "wrong");
  });
  EXPECT_EQ(answer, "right");
}

TEST(Shell, SaysThatTheStatusIsLostWhereChildrenAreForgotten) {
  const std::string answer = in_child([] {
    ::signal(SIGCHLD, SIG_IGN);
    const auto error = thrown<Error>([] { (void)run_shell({.words = {"true"}}); });
    return std::string(error.code() == "COMMAND_STATUS_LOST" ? "right" : "wrong");
  });
  EXPECT_EQ(answer, "right");
}

TEST(Shell, WorksWhereTheStandardStreamsAreClosed) {
  const std::string answer = in_child([] {
    for (const int number : {0, 1, 2})
      ::close(number);
    const ShellOutcome outcome =
        run_shell({.words = {"sh", "-c", "cat; cat >&2"}, .input = "text"});
    return std::string(outcome.output == "text" && outcome.succeeded() ? "right" : "wrong");
  });
  EXPECT_EQ(answer, "right");
}

TEST(Shell, RunsManyProgramsAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([thread, &right] {
      for (int run = 0; run < 25; ++run) {
        const std::string text = std::to_string(thread) + ":" + std::to_string(run);
        if (run_shell({.words = {"cat"}, .input = text}).output == text) ++right;
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  EXPECT_EQ(right, 100);
  EXPECT_TRUE(has_no_children());
}

[[nodiscard]] std::string tail_of(std::string_view bytes, std::size_t limit) {
  host::OutputTail tail(limit);
  for (const char byte : bytes)
    tail.append({&byte, 1});
  return tail.text();
}

TEST(OutputTail, BeginsAtAWholeCharacter) {
  constexpr std::string_view kText = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80z";  // a, ä, €, 😀, z
  EXPECT_EQ(tail_of(kText, 100), kText);
  EXPECT_EQ(tail_of(kText, 5), "\xF0\x9F\x98\x80z");
  for (const std::size_t limit : {1U, 2U, 3U, 4U})
    EXPECT_EQ(tail_of(kText, limit), "z") << limit;
  EXPECT_EQ(tail_of(kText, 7), "\xF0\x9F\x98\x80z");
  EXPECT_EQ(tail_of(kText, 0), "");
}

TEST(OutputTail, ReplacesWhatIsNoCharacter) {
  EXPECT_EQ(tail_of("a\xFF\xC3", 100), "a\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(tail_of("\x80\x80\x80\x80", 100).size(), 12U);
}

}  // namespace
}  // namespace turnstile::test
