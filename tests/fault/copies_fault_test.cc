// Backup, restore and vacuum where the disk is full or the folder is not to be written. The disk is
// a small file system of its own, in a mount namespace that ends with the child that made it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>

#include "support/files.h"
#include "support/forked.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/small_disk.h"
#include "support/unprivileged.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSmall = std::size_t{1} << 20;

std::string code_of(const std::function<void()>& call) {
  try {
    call();
    return "nothing was thrown";
  } catch (const Error& error) {
    return std::string(error.code());
  }
}

void fill(const Lane& lane, int rows) {
  lane.write([rows](WriteTx& tx) {
    tx.execute(
        "INSERT INTO note(text) WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1"
        " FROM c WHERE n < ?) SELECT printf('%0*d', 2000, n) FROM c",
        rows);
  });
}

TEST(FullDisk, DuringABackupLeavesNothingOfIt) {
  const TempDir folder;
  const std::string path = folder.file("app.db");
  for (const bool compact : {false, true}) {
    const std::string answer = on_small_disk(kSmall, [&](const std::string& small) {
      Database db = Database::open(path, with_notes());
      if (count_notes(db.lane("notes")) == 0) fill(db.lane("notes"), 2000);
      const std::string code =
          code_of([&] { db.backup(small + "/copy.db", {.compact = compact}); });
      return code + " " + std::to_string(names_in(small).size()) + " " +
             std::to_string(count_notes(db.lane("notes")));
    });
    if (is_without_small_disk(answer)) return;
    EXPECT_EQ(answer, "DB_DISK_FULL 0 2000");
  }
}

TEST(FullDisk, DuringARestoreLeavesTheFormerDatabase) {
  const TempDir folder;
  const std::string answer = on_small_disk(kSmall, [&](const std::string& small) {
    {
      Database large = Database::open(folder.file("large.db"), with_notes());
      fill(large.lane("notes"), 2000);
      large.backup(folder.file("copy.db"));
      Database target = Database::open(small + "/app.db", with_notes());
      add_note(target.lane("notes"), "kept");
    }
    const std::string code =
        code_of([&] { (void)restore(folder.file("copy.db"), small + "/app.db"); });
    const Database target = Database::open(small + "/app.db", with_notes());
    return code + " " + std::to_string(count_notes(target.lane("notes")));
  });
  if (is_without_small_disk(answer)) return;
  EXPECT_EQ(answer, "DB_DISK_FULL 1");
}

TEST(FullDisk, DuringAVacuumLeavesTheDatabaseAsItWas) {
  const std::string answer = on_small_disk(kSmall, [&](const std::string& small) {
    Database db = Database::open(small + "/app.db", with_notes());
    fill(db.lane("notes"), 40);
    (void)db.maintenance().checkpoint();
    // Full, but for some pages.
    const auto space = fs::space(small).available;
    write_file(small + "/ballast", std::string(space - 40960, 'x'));
    const std::string code = code_of([&] { db.maintenance().vacuum(); });
    fs::remove(small + "/ballast");
    add_note(db.lane("notes"), "afterwards");
    return code + " " + std::to_string(count_notes(db.lane("notes"))) + " " +
           std::to_string(db.maintenance().integrity_check().size());
  });
  if (is_without_small_disk(answer)) return;
  EXPECT_EQ(answer, "DB_DISK_FULL 41 0");
}

TEST(FolderThatMayNotBeWritten, IsNamedByABackup) {
  const TempDir folder;
  const TempDir copies;
  const std::string answer = unprivileged([&] {
    const std::string path = folder.file("app.db");
    Options options = with_notes();
    options.mode = OpenMode::Memory;
    const Database db = Database::open(path, options);
    return code_of([&] { db.backup("/proc/copy.db"); }) + " " +
           code_of([&] { db.backup(copies.file("copy.db")); });
  });
  // The folder of the test is its user's own, who is this one unless that is root.
  EXPECT_TRUE(answer == "DB_NO_DIRECTORY DB_PERMISSION" || ::geteuid() != 0) << answer;
}

// Its folder loses the right to be written while the database is open. What VACUUM needs is there
// by then, or it says what is missing; the database is whole both ways.
TEST(FolderThatMayNotBeWritten, LeavesADatabaseWholeThatIsVacuumed) {
  const TempDir folder;
  const fs::path inside = folder.path() / "inside";
  fs::permissions(folder.path(), fs::perms(0777));
  const std::string answer = unprivileged([&]() -> std::string {
    fs::create_directory(inside);
    const std::string path = inside / "app.db";
    std::string said;
    {
      Database db = Database::open(path, with_notes());
      fill(db.lane("notes"), 100);
      fs::permissions(inside, fs::perms(0555));
      said = code_of([&] { db.maintenance().vacuum(); });
      said += " " + std::to_string(count_notes(db.lane("notes")));
    }
    fs::permissions(inside, fs::perms(0777));
    Database db = Database::open(path, with_notes());
    said += " " + std::to_string(db.maintenance().integrity_check().size()) + " " +
            std::to_string(count_notes(db.lane("notes")));
    return said;
  });
  std::error_code ignored;
  fs::permissions(inside, fs::perms(0777), ignored);
  EXPECT_THAT(answer, testing::AnyOf("nothing was thrown 100 0 100", "DB_PERMISSION 100 0 100"));
}

TEST(FolderThatMayNotBeWritten, IsNamedByARestoreThatChangesNothing) {
  const TempDir folder;
  const std::string path = folder.file("app.db");
  {
    Database db = Database::open(path, with_notes());
    add_note(db.lane("notes"), "kept");
    db.backup(folder.file("copy.db"));
  }
  fs::permissions(folder.path(),
                  fs::perms::owner_all | fs::perms::others_read | fs::perms::others_exec);
  fs::permissions(folder.file("copy.db"), fs::perms::others_read, fs::perm_options::add);
  const std::string answer =
      unprivileged([&] { return code_of([&] { (void)restore(folder.file("copy.db"), path); }); });
  // Where the test's user is not root, the folder is his own.
  const bool may_write = ::geteuid() != 0;
  EXPECT_EQ(answer, may_write ? "nothing was thrown" : "DB_PERMISSION");
  EXPECT_EQ(run_raw(path, "SELECT group_concat(text) FROM note"), "kept");
}

}  // namespace
}  // namespace turnstile::test
