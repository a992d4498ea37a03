// What a torture run writes down, and what it makes of it: also where the ledger could not be
// written, and where the database cannot be opened.
#include "torture/verdict.h"

#include <sqlite3.h>
#include <sys/resource.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include "cli/cli_test.h"
#include "support/files.h"
#include "support/forked.h"
#include "torture/ledger.h"
#include "torture/load.h"
#include "torture/report.h"
#include "torture/storage_failure.h"
#include "turnstile/tasks.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using cli::torture::Answer;
using cli::torture::Ledger;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

class TortureVerdict : public testing::Test {
 protected:
  // With the tables of a run, and those of its tasks.
  [[nodiscard]] Database make_database() const {
    Options options;
    options.migrations = cli::torture::tables();
    Database db = Database::open(file_, options);
    const TaskQueue queue(db.lane("tasks"));
    return db;
  }

  // `id: message` of each finding.
  std::vector<std::string> judged() {
    cli::torture::judge(file_, ledger_, {}, report_, {});
    return told();
  }
  std::vector<std::string> told() {
    std::vector<std::string> told;
    for (const cli::torture::Finding& finding : report_.findings())
      told.push_back(finding.id + ": " + finding.message);
    return told;
  }
  std::vector<std::string> ids() {
    std::vector<std::string> ids;
    for (const cli::torture::Finding& finding : report_.findings())
      ids.push_back(finding.id);
    return ids;
  }

  void add_to_ledger(const std::string& text) const {
    std::ofstream(directory_.file("ledger-0"), std::ios::app) << text;
  }

  TempDir directory_;
  const std::string file_ = directory_.file("torture.db");
  Ledger ledger_{directory_.path(), 1};
  cli::torture::Report report_;
};

TEST_F(TortureVerdict, FindsADatabaseThatCannotBeOpened) {
  write_file(file_, std::string(50'000, 'x'));
  judged();
  EXPECT_THAT(ids(), ElementsAre("UNOPENABLE"));
}

TEST_F(TortureVerdict, FindsADatabaseThatCannotBeOpenedWhenItLooksAtTheTurns) {
  write_file(file_, std::string(50'000, 'x'));
  cli::torture::judge_turns(file_, report_);
  EXPECT_THAT(ids(), ElementsAre("UNOPENABLE"));
}

TEST_F(TortureVerdict, FindsPagesThatCannotBeRead) {
  make_database().close();
  const std::string content = read_file(file_);
  write_file(file_, content.substr(0, 4096) + std::string(content.size() - 4096, 'x'));
  judged();
  EXPECT_THAT(ids(), Not(IsEmpty()));
  EXPECT_THAT(ids(), testing::Each(testing::AnyOf("UNOPENABLE", "DAMAGED")));
}

TEST_F(TortureVerdict, FindsNothingWhereNothingIsWrong) {
  make_database().close();
  EXPECT_THAT(judged(), IsEmpty());
}

TEST_F(TortureVerdict, FindsARowOfTheShellThatIsGone) {
  make_database().close();
  ledger_.append_foreign(Answer::Done, 1);
  EXPECT_THAT(judged(), ElementsAre("LOST: row 1 of the sqlite3 shell was acknowledged and is not"
                                    " there"));
}

TEST_F(TortureVerdict, FindsATaskThatIsGone) {
  make_database().close();
  ledger_.append_enqueued(0, 7);
  EXPECT_THAT(judged(), ElementsAre("LOST: task 7 was put in, and is not there"));
}

TEST_F(TortureVerdict, FindsAnOutcomeOfATaskThatIsNotThere) {
  make_database().lane("test").write(
      [](WriteTx& tx) { tx.execute("INSERT INTO outcome(task, run) VALUES (7, 1)"); });
  EXPECT_THAT(judged(), ElementsAre("HALF_DONE: task 7 and its outcome do not fit"));
}

TEST_F(TortureVerdict, SaysWhichLinesOfTheLedgerMakeNoSense) {
  make_database().close();
  for (const char* line : {"a 1 0\n", "a 1 0 x\n", "a 1 0 0\n", "a 1 0 1 1\n", "b 1 0 1\n", "t\n",
                           "\n", "a 1 0 99999999999999999999\n", "t 4"})
    add_to_ledger(line);
  std::vector<std::string> lines;
  for (int line = 1; line <= 9; ++line)
    lines.push_back("line " + std::to_string(line) + " of ledger-0 makes no sense");
  EXPECT_EQ(ledger_.read().bad_lines, lines);
  judged();
  EXPECT_THAT(ids(), ElementsAre("LEDGER_GAP"));
}

TEST_F(TortureVerdict, DoesNotTakeForNeverAskedForWhatALedgerInPiecesDoesNotSay) {
  make_database().lane("test").write([](WriteTx& tx) {
    for (std::int64_t n = 1; n <= 3; ++n)
      cli::torture::write_entry(tx, {1, 0, n});
  });
  judged();
  EXPECT_THAT(ids(), ElementsAre("KEPT"));
  add_to_ledger("a 1 0");
  cli::torture::Report again;
  cli::torture::judge(file_, ledger_, {}, again, {});
  ASSERT_EQ(again.findings().size(), 1U);
  EXPECT_EQ(again.findings().front().id, "LEDGER_GAP");
}

TEST_F(TortureVerdict, ReadsALedgerThatAFullDiskCutAsFarAsItGoes) {
  const std::string answer = in_child([this]() -> std::string {
    std::signal(SIGXFSZ, SIG_IGN);
    constexpr rlim_t kTwoLinesAndAHalf = 20;
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = kTwoLinesAndAHalf;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::string said;
    for (std::int64_t n = 1; n <= 3; ++n) {
      try {
        ledger_.append(0, Answer::Done, 1, 0, n);
      } catch (const std::system_error& error) {
        said += "no room for " + std::to_string(n) + ", ";
      }
    }
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ledger_.append(0, Answer::Done, 1, 0, 4);
    const Ledger::Content content = ledger_.read();
    for (const auto& [n, told] : content.answers.at({1, 0}))
      said += std::to_string(n) + ' ';
    return said + (content.is_complete ? "complete" : "incomplete") +
           (content.bad_lines.empty() ? "" : " with bad lines");
  });
  EXPECT_EQ(answer, "no room for 3, 1 2 4 incomplete");
}

StorageError storage_error(int sqlite_code, int system_code = 0) {
  return StorageError({.code = "DB_IO", .sqlite_code = sqlite_code, .system_code = system_code});
}

TEST(TortureStorageFailure, IsExcusedOnlyWhereThereWasNoRoom) {
  using cli::torture::is_out_of_room;
  EXPECT_TRUE(is_out_of_room(storage_error(SQLITE_FULL)));
  EXPECT_TRUE(is_out_of_room(storage_error(SQLITE_IOERR_WRITE, EFBIG)));
  EXPECT_TRUE(is_out_of_room(storage_error(SQLITE_IOERR_WRITE, ENOSPC)));
  EXPECT_FALSE(is_out_of_room(storage_error(SQLITE_IOERR_WRITE, EIO)));
  EXPECT_FALSE(is_out_of_room(storage_error(SQLITE_IOERR_FSYNC, EIO)));
  EXPECT_FALSE(is_out_of_room(storage_error(SQLITE_CORRUPT, EFBIG)));
  EXPECT_FALSE(is_out_of_room(storage_error(SQLITE_NOTADB, ENOSPC)));
}

TEST(TortureStorageFailure, IsDamageWhereTheFileIsNotWhatWasWritten) {
  using cli::torture::is_damage;
  EXPECT_TRUE(is_damage(storage_error(SQLITE_CORRUPT)));
  EXPECT_TRUE(is_damage(storage_error(SQLITE_NOTADB)));
  EXPECT_FALSE(is_damage(storage_error(SQLITE_FULL)));
  EXPECT_FALSE(is_damage(storage_error(SQLITE_IOERR_WRITE, EFBIG)));
}

}  // namespace
}  // namespace turnstile::test
