// Backup, restore and vacuum are killed at every step; what was whole stays whole, and doing it
// again works and cleans up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/actor.h"
#include "support/child_process.h"
#include "support/files.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/sqlite_shell.h"
#include "support/test_seed.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;

std::string notes_in(const std::string& path) {
  return run_raw(path, "SELECT group_concat(text) FROM (SELECT text FROM note WHERE id < 10)");
}

/// `app.db` has the notes `kept` and `changed` and some dozen pages more; `copy.db`, in another
/// folder, has no `changed`.
class CopiesKilled : public testing::TestWithParam<std::string> {
 protected:
  CopiesKilled() {
    Database db = Database::open(target(), with_notes());
    const Lane lane = db.lane("notes");
    add_note(lane, "kept");
    lane.write([](WriteTx& tx) {
      tx.execute(
          "INSERT INTO note(id, text) WITH RECURSIVE c(n) AS (SELECT 10 UNION ALL SELECT"
          " n + 1 FROM c WHERE n < 60) SELECT n, printf('%0*d', 2000, n) FROM c");
    });
    db.backup(copy());
    lane.write([](WriteTx& tx) { tx.execute("INSERT INTO note(id, text) VALUES (2, 'changed')"); });
  }
  [[nodiscard]] std::string target() const { return folder_.file("app.db"); }
  [[nodiscard]] std::string copy(std::string_view name = "copy.db") const {
    return copies_.file(name);
  }
  /// False when it did not come to the point.
  [[nodiscard]] static bool kill_at(const std::string& point, std::vector<std::string> words) {
    words.insert(words.begin(), {actor_path("copy"), point});
    ChildProcess actor(words);
    const std::string line = actor.read_line();
    actor.kill();
    EXPECT_EQ(line, "at " + point);
    return line == "at " + point;
  }
  static std::string run(std::vector<std::string> words) {
    words.insert(words.begin(), {actor_path("copy"), "nowhere"});
    return ChildProcess(words).read_line();
  }
  static void expect_whole(const std::string& path) {
    EXPECT_EQ(SqliteShell(path).run("PRAGMA integrity_check"), "ok\n") << path;
    EXPECT_EQ(SqliteShell(path).run("SELECT count(*) FROM note WHERE id >= 10"), "51\n") << path;
  }
  /// What begins with a dot is what was being made.
  [[nodiscard]] static std::vector<std::string> hidden_in(const fs::path& directory) {
    std::vector<std::string> names = names_in(directory);
    std::erase_if(names, [](const std::string& name) { return !name.starts_with("."); });
    return names;
  }
  [[nodiscard]] std::vector<std::string> asides() const {
    std::vector<std::string> names = names_in(folder_.path());
    std::erase_if(names, [](const std::string& n) { return n.find("before-restore") == n.npos; });
    return names;
  }

  TempDir folder_;
  TempDir copies_;
};

using BackupKilled = CopiesKilled;

// VBK-03
TEST_P(BackupKilled, LeavesNoHalfFileAndTheNextOneCleansUp) {
  if (!kill_at(GetParam(), {"backup", target(), copy("new.db")})) return;
  const bool published = GetParam() == "Backup:published";
  EXPECT_EQ(fs::exists(copy("new.db")), published);
  if (published) expect_whole(copy("new.db"));
  EXPECT_EQ(run({"backup", target(), copy("next.db")}), "done");
  EXPECT_TRUE(verify_file(copy("next.db")).ok());
  EXPECT_EQ(notes_in(copy("next.db")), "kept,changed");
  EXPECT_THAT(hidden_in(copies_.path()), IsEmpty());
  expect_whole(target());
}

TEST_P(BackupKilled, LeavesTheFileThatItWasToReplaceOrTheNewOne) {
  if (!kill_at(GetParam(), {"overwrite", target(), copy()})) return;
  expect_whole(copy());
  EXPECT_EQ(notes_in(copy()), GetParam() == "Backup:published" ? "kept,changed" : "kept");
  EXPECT_TRUE(verify_file(copy()).ok());
  EXPECT_EQ(run({"overwrite", target(), copy()}), "done");
  EXPECT_TRUE(verify_file(copy()).has_manifest);
}

INSTANTIATE_TEST_SUITE_P(At, BackupKilled,
                         testing::Values("Backup:snapshot", "copy_pages:step", "Backup:copied",
                                         "Backup:checked", "Backup:synced", "Backup:published"));

using RestoreKilled = CopiesKilled;

// VBK-07
TEST_P(RestoreKilled, LeavesTheFormerDatabaseOrTheNewOne) {
  {
    // A log, as a crash leaves it.
    Actor actor;
    actor.must("open " + target());
    actor.must("exec INSERT INTO note(id, text) VALUES (3, 'in the log')");
    actor.process().kill();
  }
  if (!kill_at(GetParam(), {"restore", copy(), target()})) return;
  const bool is_new = GetParam() == "Restore:published" || GetParam() == "Restore:proved";
  expect_whole(target());
  EXPECT_EQ(notes_in(target()), is_new ? "kept" : "kept,changed,in the log");
  const std::size_t kept = is_new ? 1 : 0;

  EXPECT_EQ(run({"restore", copy(), target()}), "done");
  expect_whole(target());
  EXPECT_EQ(notes_in(target()), "kept");
  EXPECT_THAT(hidden_in(folder_.path()), IsEmpty());
  ASSERT_EQ(asides().size(), kept + 1) << testing::PrintToString(asides());
  EXPECT_EQ(notes_in(folder_.file(asides().front())), "kept,changed,in the log");
  EXPECT_EQ(fs::hard_link_count(target()), 1U);
  EXPECT_EQ(Database::open(target(), with_notes()).info().schema_version, 1);
}

// A damaged one is set aside together with its log, which is what may still save it.
TEST_P(RestoreKilled, LeavesADamagedDatabaseWithItsLogOrTheNewOne) {
  write_file(target(), std::string(8192, 'x'));
  write_file(target() + "-wal", "its log");
  if (!kill_at(GetParam(), {"restore", copy(), target()})) return;
  const bool is_new = GetParam() == "Restore:published" || GetParam() == "Restore:proved";
  const bool is_aside = !asides().empty();
  if (is_new) {
    expect_whole(target());
    EXPECT_FALSE(fs::exists(target() + "-wal"));
  } else {
    EXPECT_EQ(read_file(target()), std::string(8192, 'x'));
  }
  const std::string where = is_aside ? folder_.file(asides().front()) : target();
  EXPECT_EQ(read_file(where), std::string(8192, 'x'));
  EXPECT_EQ(read_file(where + "-wal"), "its log");

  EXPECT_EQ(run({"restore", copy(), target()}), "done");
  expect_whole(target());
  EXPECT_THAT(hidden_in(folder_.path()), IsEmpty());
}

TEST_P(RestoreKilled, ThatWasToKeepNothingLeavesTheFormerDatabaseOrTheNewOne) {
  if (!kill_at(GetParam(), {"replace", copy(), target()})) return;
  expect_whole(target());
  EXPECT_EQ(run({"replace", copy(), target()}), "done");
  EXPECT_EQ(notes_in(target()), "kept");
}

INSTANTIATE_TEST_SUITE_P(At, RestoreKilled,
                         testing::Values("copy_pages:begin", "Restore:copied", "Restore:entered",
                                         "put_aside:linked", "Restore:aside", "Restore:published",
                                         "Restore:proved"));

/// Where no file can have two names, the target has none for a moment. A later open finds the note
/// of it.
class RestoreByMovingKilled : public CopiesKilled {
 protected:
  [[nodiscard]] static bool is_new() {
    return GetParam() == "Restore:published" || GetParam() == "Restore:proved";
  }
  [[nodiscard]] std::string notes_for_whoever_opens() const {
    const Database db = Database::open(target(), with_notes());
    std::string all;
    for (const std::string& text : all_notes(db.lane("notes")))
      if (text.find("000") == std::string::npos) all += (all.empty() ? "" : ",") + text;
    return all;
  }
  [[nodiscard]] bool has_note() const { return fs::exists(target() + ".turnstile-restore"); }
};

// VBK-07: with no hard links either.
TEST_P(RestoreByMovingKilled, LeavesTheFormerDatabaseOrTheNewOneToWhoeverOpens) {
  if (!kill_at(GetParam(), {"move", copy(), target()})) return;
  EXPECT_EQ(notes_for_whoever_opens(), is_new() ? "kept" : "kept,changed");
  expect_whole(target());
  EXPECT_FALSE(has_note());
  EXPECT_EQ(run({"move", copy(), target()}), "done");
  EXPECT_EQ(notes_for_whoever_opens(), "kept");
  EXPECT_FALSE(has_note());
  EXPECT_EQ(notes_in(folder_.file(asides().front())), "kept,changed");
  EXPECT_THAT(asides(), testing::SizeIs(is_new() ? 2 : 1));
}

TEST_P(RestoreByMovingKilled, IsFinishedByTheNextRestore) {
  if (!kill_at(GetParam(), {"move", copy(), target()})) return;
  EXPECT_EQ(run({"move", copy(), target()}), "done");
  EXPECT_EQ(notes_for_whoever_opens(), "kept");
  EXPECT_FALSE(has_note());
  EXPECT_THAT(hidden_in(folder_.path()), IsEmpty());
  EXPECT_EQ(notes_in(folder_.file(asides().front())), "kept,changed");
}

TEST_P(RestoreByMovingKilled, LeavesADamagedDatabaseWithItsLogOrTheNewOne) {
  write_file(target(), std::string(8192, 'x'));
  write_file(target() + "-wal", "its log");
  if (!kill_at(GetParam(), {"move", copy(), target()})) return;
  const std::string said = run({"open", target()});
  if (is_new()) {
    EXPECT_EQ(said, "done");
    expect_whole(target());
    return;
  }
  EXPECT_THAT(said, testing::StartsWith("failed DB_NOT_A_DATABASE"));
  EXPECT_EQ(read_file(target()), std::string(8192, 'x'));
  EXPECT_EQ(read_file(target() + "-wal"), "its log");
  EXPECT_FALSE(has_note());
}

INSTANTIATE_TEST_SUITE_P(At, RestoreByMovingKilled,
                         testing::Values("put_aside:noted", "put_aside:moved", "put_aside:linked",
                                         "Restore:aside", "Restore:published", "Restore:proved"));

TEST_F(CopiesKilled, ARestoreByMovingIsWaitedForByWhoeverOpens) {
  ChildProcess restoring{actor_path("copy"), "put_aside:linked", "move", copy(), target()};
  ASSERT_EQ(restoring.read_line(), "at put_aside:linked");
  ASSERT_FALSE(fs::exists(target()));
  Options options = with_notes();
  options.busy_timeout = std::chrono::milliseconds(200);
  EXPECT_EQ(thrown<Timeout>([&] { (void)Database::open(target(), options); }).code(),
            "OPEN_TIMEOUT");
  EXPECT_FALSE(fs::exists(target())) << "an empty database was made";
  auto opened = std::async(std::launch::async, [&] {
    return all_notes(Database::open(target(), with_notes()).lane("notes")).size();
  });
  restoring.send("go");
  EXPECT_EQ(restoring.read_line(), "done");
  EXPECT_EQ(opened.get(), 52U);
}

TEST_F(CopiesKilled, ARestoreByMovingIsFinishedByWhoeverOpensHoweverOftenThatDies) {
  write_file(target(), std::string(8192, 'x'));
  write_file(target() + "-wal", "its log");
  ASSERT_TRUE(kill_at("put_aside:linked", {"move", copy(), target()}));
  ASSERT_TRUE(kill_at("settle_aside:logs_are_back", {"open", target()}));
  EXPECT_THAT(run({"open", target()}), testing::StartsWith("failed DB_NOT_A_DATABASE"));
  EXPECT_EQ(read_file(target()), std::string(8192, 'x'));
  EXPECT_EQ(read_file(target() + "-wal"), "its log");
}

TEST_F(CopiesKilled, ARestoreByMovingIsNotFinishedByWhoeverMayOnlyRead) {
  ASSERT_TRUE(kill_at("put_aside:linked", {"move", copy(), target()}));
  Options options;
  options.mode = OpenMode::ReadOnly;
  const auto before = names_in(folder_.path());
  const auto error = thrown<StorageError>([&] { (void)Database::open(target(), options); });
  EXPECT_EQ(error.code(), "DB_NOT_FOUND");
  EXPECT_THAT(std::string(error.hint()), testing::HasSubstr("A restore was interrupted"));
  EXPECT_EQ(names_in(folder_.path()), before);
}

using VacuumKilled = CopiesKilled;

TEST_P(VacuumKilled, LeavesAllThatWasInTheDatabase) {
  run_raw(target(), "DELETE FROM note WHERE id > 60");
  if (!kill_at(GetParam(), {"vacuum", target()})) return;
  expect_whole(target());
  EXPECT_EQ(notes_in(target()), "kept,changed");
  EXPECT_EQ(run({"vacuum", target()}), "done");
  expect_whole(target());
}

INSTANTIATE_TEST_SUITE_P(At, VacuumKilled,
                         testing::Values("Maintenance:vacuum", "Maintenance:vacuumed"));

TEST_F(CopiesKilled, AVacuumAtARandomMomentLeavesAllThatWasInTheDatabase) {
  run_raw(target(), "DELETE FROM note WHERE id > 60");
  std::mt19937_64 random(test_seed());
  // What opening takes comes before it, and what closing takes after.
  constexpr int kTrials = 20;
  for (int trial = 0; trial < kTrials; ++trial) {
    ChildProcess actor{actor_path("copy"), "Maintenance:vacuum", "vacuum", target()};
    ASSERT_EQ(actor.read_line(), "at Maintenance:vacuum");
    actor.send("go");
    // sleep: a random moment is what is tested.
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 4000));
    actor.kill();
    expect_whole(target());
    EXPECT_EQ(notes_in(target()), "kept,changed");
  }
}

TEST_F(CopiesKilled, ACompactBackupInTheMiddleLeavesNothingBehind) {
  ASSERT_TRUE(kill_at("Backup:checked", {"compact", target(), copy("new.db")}));
  EXPECT_EQ(run({"compact", target(), copy("next.db")}), "done");
  EXPECT_THAT(hidden_in(copies_.path()), IsEmpty());
}

}  // namespace
}  // namespace turnstile::test
