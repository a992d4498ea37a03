// A text index that several processes write to, and that outlives their deaths.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "support/child_process.h"
#include "support/documents.h"
#include "support/test_seed.h"
#include "support/test_size.h"

namespace turnstile::test {
namespace {

using testing::IsEmpty;
using testing::StartsWith;

class TextProcesses : public testing::Test {
 protected:
  TextProcesses() {
    documents_.run("CREATE TABLE work(process INTEGER, n INTEGER, UNIQUE(process, n))");
  }

  [[nodiscard]] std::unique_ptr<ChildProcess> start(int process) {
    return std::make_unique<ChildProcess>(std::vector<std::string>{
        actor_path("text"), documents_.file(), std::to_string(process), std::to_string(random_())});
  }

  /// Reads so many acknowledgements.
  static std::int64_t follow(ChildProcess& child, std::uint64_t count) {
    std::int64_t last = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::string line = child.read_line();
      EXPECT_THAT(line, StartsWith("ack "));
      last = std::stoll(line.substr(4));
    }
    return last;
  }

  [[nodiscard]] std::int64_t committed(int process) const {
    return documents_.ask<std::int64_t>("SELECT coalesce(max(n), 0) FROM work WHERE process = " +
                                        std::to_string(process));
  }

  void expect_consistent() {
    EXPECT_THAT(index_.check(), IsEmpty());
    EXPECT_THAT((*documents_).maintenance().integrity_check(), IsEmpty());
  }

  Documents documents_;
  const TextIndex index_ = documents_.index();
  std::mt19937_64 random_{test_seed()};
};

// FTS-04: a process that is killed at any moment leaves an index that is what the table is.
TEST_F(TextProcesses, LeaveASoundIndexWhenTheyAreKilled) {
  const int kills = test_size("TURNSTILE_TEST_KILLS", 12);
  for (int kill = 1; kill <= kills; ++kill) {
    auto child = start(kill);
    const std::int64_t acknowledged = follow(*child, 1 + random_() % 60);
    child->kill();
    EXPECT_GE(committed(kill), acknowledged);
    if (index_.needs_rebuild()) index_.rebuild();  // It was killed in the middle of one.
    expect_consistent();
  }
}

// FTS-04
TEST_F(TextProcesses, WriteToOneIndexTogether) {
  struct Writer {
    int number;
    std::unique_ptr<ChildProcess> child;
    std::int64_t acknowledged = 0;
  };
  std::vector<Writer> writers;
  for (const int number : {1, 2})
    writers.push_back({number, start(number)});
  for (int round = 0; round < 40; ++round)
    for (Writer& writer : writers)
      writer.acknowledged = follow(*writer.child, 5);
  // Searches of a third process, whatever the two are doing.
  EXPECT_LE(index_.count("words", {}, 10'000), 300);
  for (Writer& writer : writers)
    writer.child->close_input();
  for (Writer& writer : writers) {
    while (const auto line = writer.child->next_line())
      EXPECT_THAT(*line, StartsWith("ack "));
    EXPECT_EQ(writer.child->wait(), 0);
    EXPECT_GE(committed(writer.number), writer.acknowledged);
  }
  EXPECT_FALSE(index_.needs_rebuild());
  expect_consistent();
}

}  // namespace
}  // namespace turnstile::test
