// `turnstile torture`: a run finds nothing, finds what is missing when something is, and leaves
// nothing behind, whatever ends it. tests/broken has the builds that break a promise.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>

#include "cli/cli_test.h"
#include "support/files.h"
#include "support/place_of.h"
#include "support/small_disk.h"
#include "support/soon.h"
#include "support/test_size.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// The ids of what a run has found.
Json ids_of(const Json& report) {
  Json ids = Json::array();
  for (const Json& finding : report.at("findings"))
    ids.push_back(finding.at("id"));
  return ids;
}

// Where a run goes on.
class TortureDirectory {
 public:
  explicit TortureDirectory(fs::path path) : path_(std::move(path)) {}

  // Empty before there is one.
  [[nodiscard]] std::string database() const {
    for (const std::string& name : names_in(path_))
      if (const fs::path file = path_ / name / "torture.db"; fs::exists(file)) return file.string();
    return {};
  }

  void await_writes() const {
    if (!soon([this] { return !database().empty(); })) throw std::runtime_error("nothing begins");
    SqliteShell shell(database());
    shell.run("PRAGMA busy_timeout=20000");
    if (!soon([&] { return shell.run("SELECT count(*) > 9 FROM entry") == "1\n"; }))
      throw std::runtime_error("nobody writes");
  }

 private:
  fs::path path_;
};

class Torture : public testing::Test {
 protected:
  [[nodiscard]] std::string directory() const { return directory_.path().string(); }
  [[nodiscard]] std::string database() const { return TortureDirectory(directory()).database(); }
  void await_writes() const { TortureDirectory(directory()).await_writes(); }

  // Processes, of whatever parent, that were told of the directory.
  [[nodiscard]] int processes() const {
    int count = 0;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      std::ifstream file(entry.path() / "cmdline", std::ios::binary);
      const std::string words{std::istreambuf_iterator<char>(file), {}};
      if (words.find(directory()) != std::string::npos) ++count;
    }
    return count;
  }

  // Changes what a run has written, behind its back.
  void sabotage(const std::string& sql) const {
    ASSERT_TRUE(soon([this] { return !database().empty(); }));
    SqliteShell shell(database());
    shell.run("PRAGMA busy_timeout=20000");
    ASSERT_TRUE(soon([&] { return shell.run(sql + "; SELECT changes()") == "1\n"; }));
  }

  [[nodiscard]] Json findings_after(const std::string& sql) const {
    CliRun run({"torture", directory(), "--seconds", "4", "--processes", "2", "--timeout", "5m",
                "--json"});
    sabotage(sql);
    const CliResult result = run.finish();
    EXPECT_EQ(result.status, 2) << result.err;
    return ids_of(Json::parse(result.out));
  }

  TempDir directory_;
};

TEST_F(Torture, FindsNothingWhereEverythingIsDoneToTheProcesses) {
  const int seconds = test_size("TURNSTILE_TEST_TORTURE_SECONDS", 5);
  const ProgramResult result =
      run_program({place_of::cli(), "torture", directory(), "--seconds", std::to_string(seconds),
                   "--kill", "--full-disk", "--timeout", "5m", "--json"},
                  patience(std::chrono::seconds(3 * seconds + 60)));
  std::cout << result.output;
  const Json report = Json::parse(result.output);
  EXPECT_THAT(report.at("findings"), IsEmpty());
  EXPECT_EQ(result.status, 0);
  for (const char* number : {"acknowledged", "reads", "tasks_done", "starts", "turns", "backups"})
    EXPECT_GT(report.at(number), 0) << number;
  EXPECT_GT(report.at("kills").get<int>() + report.at("stops").get<int>(), 0);
  EXPECT_THAT(names_in(directory()), IsEmpty());
}

TEST_F(Torture, ReportsForPeopleAndBeginsWithTheSeedThatItIsGiven) {
  const CliResult result =
      run_cli({"torture", directory(), "--seconds", "1", "--processes", "2", "--seed", "7"});
  EXPECT_EQ(result.status, 0) << result.out;
  EXPECT_THAT(lines_of(result.out), Contains("seed          7"));
  EXPECT_THAT(result.out, HasSubstr("nothing lost, nothing half done, no lock failure\n"));
  EXPECT_THAT(result.out, HasSubstr(" 0 kills, 0 stops, 0 full disks, "));
}

TEST_F(Torture, FindsAWriteThatIsGoneAndKeepsTheDatabase) {
  EXPECT_THAT(findings_after("DELETE FROM outcome WHERE id = 1"), Contains("LOST"));
  EXPECT_FALSE(database().empty());
}

TEST_F(Torture, FindsAWriteThatIsThereInPart) {
  EXPECT_THAT(findings_after("DELETE FROM part WHERE (run, thread, n, k) = (1, 0, 1, 2)"),
              Contains("RULE_BROKEN"));
}

TEST_F(Torture, FindsWhatIsThereAndWasNeverWritten) {
  EXPECT_THAT(findings_after("INSERT INTO entry VALUES (1, 0, 999999999, 1, 2, 3)"),
              Contains("KEPT"));
}

// Whatever the workers make of it: what they saw is said, and what there is to see is kept.
TEST_F(Torture, FindsADatabaseThatIsOverwrittenAndKeepsIt) {
  CliRun run({"torture", directory(), "--seconds", "4", "--processes", "2", "--timeout", "20s",
              "--full-disk", "--json"});
  await_writes();
  write_file(database(), std::string(100'000, 'x'));
  write_file(database() + "-wal", std::string(100'000, 'x'));
  const CliResult result = run.finish();
  EXPECT_EQ(result.status, 2) << result.err;
  const Json report = Json::parse(result.out);
  EXPECT_THAT(ids_of(report), Contains(AnyOf("UNOPENABLE", "DAMAGED")));
  EXPECT_TRUE(fs::exists(fs::path(report.at("kept").get<std::string>()) / "torture.db"));
}

// What its own limits explain is excused, and nothing else.
TEST_F(Torture, ReportsADiskThatIsFullForAllOfThem) {
  constexpr std::size_t kRoom = std::size_t{96} << 20;
  const std::string answer = on_small_disk(kRoom, [](const std::string& disk) -> std::string {
    const TortureDirectory small(disk);
    CliRun run({"torture", disk, "--seconds", "4", "--processes", "2", "--full-disk", "--json"});
    small.await_writes();
    std::ofstream ballast(disk + "/ballast", std::ios::binary);
    for (const std::string block(1 << 16, 'x'); ballast;)
      ballast << block << std::flush;
    const CliResult result = run.finish();
    return std::to_string(result.status) + ' ' + result.out + result.err;
  });
  if (answer.starts_with(kNoSmallDisk)) return;
  ASSERT_THAT(answer, StartsWith("2 {"));
  EXPECT_THAT(ids_of(Json::parse(answer.substr(2))), Contains("STORAGE_FAILURE"));
}

TEST_F(Torture, RefusesADiskThatHasNoRoomForIt) {
  const std::string answer = on_small_disk(3 << 20, [](const std::string& disk) {
    const CliResult result = run_cli({"torture", disk});
    return std::to_string(result.status) + ' ' + result.err + std::to_string(names_in(disk).size());
  });
  if (answer.starts_with(kNoSmallDisk)) return;
  EXPECT_THAT(answer, AllOf(StartsWith("6 "), HasSubstr("a run of 10 s wants "), EndsWith("\n0")));
}

TEST_F(Torture, EndsAllProcessesAndRemovesItsFilesAtCtrlC) {
  CliRun run({"torture", directory(), "--seconds", "12", "--kill", "--full-disk"});
  ASSERT_TRUE(soon([this] { return !database().empty(); }));
  run.process().signal(SIGINT);
  EXPECT_EQ(run.process().wait(), 130);
  EXPECT_THAT(names_in(directory()), IsEmpty());
  EXPECT_EQ(processes(), 0);
}

TEST_F(Torture, LeavesNoProcessBehindWhenItIsKilled) {
  CliRun run({"torture", directory(), "--seconds", "12", "--kill"});
  ASSERT_TRUE(soon([this] { return !database().empty(); }));
  run.process().kill();
  EXPECT_TRUE(soon([this] { return processes() == 0; }));
}

TEST_F(Torture, RefusesADirectoryThatIsNotThere) {
  const CliResult result = run_cli({"torture", directory() + "/nowhere"});
  EXPECT_EQ(result.status, 4);
  EXPECT_THAT(result.err, HasSubstr("there is no directory '" + directory() + "/nowhere'"));
}

TEST_F(Torture, RefusesNumbersThatItCannotDo) {
  for (const char* flag : {"--processes", "--threads", "--seconds"})
    EXPECT_EQ(run_cli({"torture", directory(), flag, "0"}).status, 3) << flag;
  EXPECT_EQ(run_cli({"torture", directory(), "--processes", "61"}).status, 3);
  EXPECT_THAT(names_in(directory()), IsEmpty());
}

TEST_F(Torture, RefusesWordsOfAWorkerThatAreNoNumbers) {
  for (const char* pid : {"no", "1x", "", "99999999999999999999"}) {
    const CliResult worker = run_cli({"--torture-worker", pid, "a.db", "1", "1", "1", "1"});
    EXPECT_EQ(worker.status, 3) << worker.err;
    EXPECT_THAT(worker.err, HasSubstr(std::string("'") + pid + "' is no number"));
    EXPECT_EQ(run_cli({"--torture-disk", pid, directory() + "/busy"}).status, 3) << pid;
  }
  EXPECT_EQ(run_cli({"--torture-worker", "1", "a.db", "1", "many", "1", "1"}).status, 3);
  EXPECT_THAT(names_in(directory()), IsEmpty());
}

}  // namespace
}  // namespace turnstile::test
