// Several processes make, fill and change the same records at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "support/account.h"
#include "support/child_process.h"
#include "support/raw_sqlite.h"
#include "support/starting_gun.h"
#include "support/temp_dir.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::Each;
using testing::StartsWith;

class RecordProcesses : public testing::Test {
 protected:
  static constexpr std::size_t kCount = 4;

  /// Lets all processes open the file and make the table at the same moment.
  void start() {
    for (std::size_t i = 0; i < kCount; ++i) {
      processes_.push_back(std::make_unique<ChildProcess>(
          std::vector<std::string>{actor_path("records")}, gun_.descriptor()));
      ASSERT_EQ(processes_.back()->ask("start " + path_), "ok 0");
    }
    gun_.fire(kCount);
    EXPECT_THAT(answers(), Each("ok 0"));
  }

  /// Tells all the same, at once; what they answer.
  std::vector<std::string> ask_all(const std::string& command) {
    for (const auto& process : processes_)
      process->send(command);
    return answers();
  }
  std::vector<std::string> answers() {
    std::vector<std::string> lines;
    for (const auto& process : processes_)
      lines.push_back(process->read_line());
    return lines;
  }

  [[nodiscard]] std::string query(const std::string& sql) const { return run_raw(path_, sql); }

  const TempDir directory_;
  const std::string path_ = directory_.file("accounts.db");
  const StartingGun gun_;
  std::vector<std::unique_ptr<ChildProcess>> processes_;
};

TEST_F(RecordProcesses, MakeTheTableOnce) {
  start();
  EXPECT_EQ(query("SELECT count(*) FROM sqlite_schema WHERE name = 'account'"), "1");
  EXPECT_EQ(query("SELECT count(*) FROM turnstile_migration"), "1");
}

// ENT-12: whoever comes first inserts, all others update; nobody makes a second row.
TEST_F(RecordProcesses, UpsertTheSameRowsWithoutDuplicates) {
  start();
  constexpr int kNames = 100;
  EXPECT_THAT(ask_all("upsert " + std::to_string(kNames)), Each("ok 0"));
  EXPECT_EQ(query("SELECT count(*) FROM account"), std::to_string(kNames));
  EXPECT_EQ(query("SELECT count(*) FROM account WHERE version <> 4"), "0");
}

// An update of a stale record is refused and is made again, so that none is lost.
TEST_F(RecordProcesses, LoseNoUpdateByOptimisticLocking) {
  start();
  processes_[0]->ask("upsert 1");
  constexpr int kEdits = 200;
  const std::vector<std::string> said = ask_all("edit " + std::to_string(kEdits));
  EXPECT_THAT(said, Each(StartsWith("ok ")));
  int stale = 0;
  for (const std::string& line : said)
    stale += std::stoi(line.substr(3));
  std::cout << stale << " updates were stale and made again\n";
  const std::string all = std::to_string(kEdits * kCount);
  EXPECT_EQ(query("SELECT balance FROM account"), all);
  EXPECT_EQ(query("SELECT version - 1 FROM account"), all);
}

// ENT-10: counters need no second try.
TEST_F(RecordProcesses, LoseNoIncrement) {
  start();
  processes_[0]->ask("upsert 1");
  constexpr int kIncrements = 200;
  EXPECT_THAT(ask_all("spend " + std::to_string(kIncrements)), Each("ok 0"));
  EXPECT_EQ(query("SELECT uses FROM account"), std::to_string(kIncrements * kCount));
  EXPECT_EQ(query("SELECT version FROM account"), "1");
}

}  // namespace
}  // namespace turnstile::test
