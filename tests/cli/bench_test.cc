// `turnstile bench`: it measures, says so in a table or in JSON, and leaves nothing behind,
// whatever ends it. What it measures is never held against anything here.
#include <csignal>
#include <string>
#include <vector>

#include "cli/cli_test.h"
#include "support/files.h"
#include "support/small_disk.h"
#include "support/soon.h"

namespace turnstile::test {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class Bench : public testing::Test {
 protected:
  [[nodiscard]] std::string directory() const { return directory_.path().string(); }
  [[nodiscard]] std::vector<std::string> left_behind() const { return names_in(directory()); }

  // For a second, and more words.
  [[nodiscard]] CliResult run(std::vector<std::string> words = {}) const {
    words.insert(words.begin(), {"bench", directory(), "--seconds", "1"});
    return run_cli(words);
  }

  TempDir directory_;
};

// The lines of the table, without what stands below it.
std::vector<std::string> table_of(const std::string& output) {
  std::vector<std::string> table;
  for (const std::string& line : lines_of(output)) {
    if (line.empty()) break;
    table.push_back(line);
  }
  return table;
}

TEST_F(Bench, PrintsATableThatLinesUp) {
  const CliResult result = run();
  ASSERT_EQ(result.status, 0) << result.err;
  const std::vector<std::string> table = table_of(result.out);
  ASSERT_EQ(table.size(), 9U) << result.out;
  EXPECT_THAT(table.front(), StartsWith("4 threads, synchronous normal "));
  // All columns but the first are numbers, set flush right.
  for (const std::string& line : table)
    EXPECT_EQ(line.size(), table.front().size()) << result.out;
  EXPECT_THAT(table[2], StartsWith("writes a second "));
  EXPECT_THAT(table[8], StartsWith("failures "));
}

TEST_F(Bench, SaysWhatExplainsTheTable) {
  EXPECT_THAT(run({"--threads", "1"}).out,
              AllOf(StartsWith("1 thread, "), HasSubstr("\nratio of writes by rounds: "),
                    HasSubstr("\none write with a sync: ")));
}

TEST_F(Bench, CountsWorkOfBothSidesAndNoFailureOfTurnstile) {
  const CliResult result = run({"--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  const Json report = Json::parse(result.out);
  for (const char* side : {"plain", "turnstile"}) {
    const Json& writes = report.at("writes").at(side);
    for (const char* figure : {"per_second", "count", "p50_ms", "p99_ms", "longest_ms"})
      EXPECT_GT(writes.at(figure), 0) << side << ' ' << figure;
    EXPECT_LE(writes.at("p50_ms"), writes.at("p99_ms")) << side;
    EXPECT_LE(writes.at("p99_ms"), writes.at("longest_ms")) << side;
    const Json& reads = report.at("reads").at(side);
    EXPECT_GT(reads.at("per_second"), 0) << side;
    EXPECT_GT(reads.at("writes").at("count"), 0) << side;
  }
  EXPECT_EQ(report.at("writes").at("turnstile").at("failures"), 0);
  EXPECT_EQ(report.at("reads").at("turnstile").at("failures"), 0);
  EXPECT_EQ(report.at("reads").at("turnstile").at("writes").at("failures"), 0);
  EXPECT_EQ(report.at("writes").at("turnstile").at("first_failure"), nullptr);
}

TEST_F(Bench, TellsProgramsHowItMeasured) {
  const Json report = Json::parse(run({"--json", "--threads", "2", "--synchronous", "full"}).out);
  EXPECT_EQ(report.at("threads"), 2);
  EXPECT_EQ(report.at("synchronous"), "full");
  EXPECT_EQ(report.at("duration_ms"), 1000);
  EXPECT_GT(report.at("sync").at("p50_ms"), 0);
  for (const char* work : {"writes", "reads"}) {
    const Json& rounds = report.at(work).at("rounds");
    // As many turns begin with the one side as with the other.
    EXPECT_EQ(rounds.at("turns").get<int>() % 2, 0) << work;
    EXPECT_GT(rounds.at("turn_ms"), 0) << work;
    EXPECT_LE(rounds.at("least_ratio"), rounds.at("most_ratio")) << work;
  }
}

// The ratio is what a reader of the two figures would divide.
TEST_F(Bench, DividesTheFiguresThatItShows) {
  const Json report = Json::parse(run({"--json"}).out);
  const auto rate_of = [&](const char* work, const char* side) {
    return report.at(work).at(side).at("per_second").get<double>();
  };
  for (const char* work : {"writes", "reads"}) {
    EXPECT_DOUBLE_EQ(report.at(work).at("ratio").at("per_second").get<double>(),
                     rate_of(work, "turnstile") / rate_of(work, "plain"))
        << work;
  }
}

TEST_F(Bench, RemovesItsFiles) {
  EXPECT_EQ(run().status, 0);
  EXPECT_THAT(left_behind(), IsEmpty());
}

TEST_F(Bench, RemovesItsFilesAtCtrlC) {
  CliRun run({"bench", directory(), "--seconds", "100"});
  ASSERT_TRUE(soon([this] { return !left_behind().empty(); }));
  run.process().signal(SIGINT);
  EXPECT_EQ(run.process().wait(), 130);
  EXPECT_THAT(left_behind(), IsEmpty());
}

// The last of its files is there by then.
TEST_F(Bench, RemovesItsFilesWhenItIsEndedAtWork) {
  CliRun run({"bench", directory(), "--seconds", "100", "--json"});
  const auto has_log = [this] {
    for (const std::string& name : left_behind())
      for (const std::string& file : names_in(directory_.path() / name))
        if (file == "turnstile.db-wal") return true;
    return false;
  };
  ASSERT_TRUE(soon(has_log));
  run.process().signal(SIGTERM);
  EXPECT_EQ(run.process().wait(), 130);
  EXPECT_EQ(error_of(run.finish()).at("code"), "INTERRUPTED");
  EXPECT_THAT(left_behind(), IsEmpty());
}

TEST_F(Bench, RefusesADirectoryThatIsNotThere) {
  const CliResult result = run_cli({"bench", directory() + "/nowhere"});
  EXPECT_EQ(result.status, 4);
  EXPECT_THAT(result.err, HasSubstr("there is no directory '" + directory() + "/nowhere'"));
}

TEST_F(Bench, RefusesALineThatItDoesNotUnderstand) {
  EXPECT_EQ(run_cli({"bench"}).status, 3);
  EXPECT_EQ(run_cli({"bench", directory(), "--seconds", "0"}).status, 3);
  EXPECT_EQ(run_cli({"bench", directory(), "--seconds", "301"}).status, 3);
  EXPECT_EQ(run_cli({"bench", directory(), "--threads", "0"}).status, 3);
  EXPECT_EQ(run_cli({"bench", directory(), "--synchronous", "off"}).status, 3);
  EXPECT_EQ(run_cli({"bench", directory(), "--processes", "2"}).status, 3);
  EXPECT_THAT(left_behind(), IsEmpty());
}

TEST_F(Bench, RefusesADiskThatHasNoRoomForIt) {
  const std::string answer = on_small_disk(3 << 20, [](const std::string& disk) {
    const CliResult result = run_cli({"bench", disk});
    return std::to_string(result.status) + ' ' + result.err + std::to_string(names_in(disk).size());
  });
  if (answer.starts_with(kNoSmallDisk)) return;
  EXPECT_THAT(answer, AllOf(StartsWith("6 "), HasSubstr("a run of 10 s wants "), EndsWith("\n0")));
}

}  // namespace
}  // namespace turnstile::test
