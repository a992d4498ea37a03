// Schema steps on a full disk, and where permissions are lost on the way.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>

#include "gate/sync_point.h"
#include "support/files.h"
#include "support/raw_sqlite.h"
#include "support/small_disk.h"
#include "support/temp_dir.h"
#include "support/unprivileged.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

namespace fs = std::filesystem;

constexpr std::size_t kDisk = 1 << 20;

Migrations first_step() {
  return {
      {1, "make blobs", "CREATE TABLE data(x BLOB); INSERT INTO data VALUES (zeroblob(200000))"}};
}

Options with_second(const std::string& sql, bool backup) {
  Options options;
  options.migrations = first_step();
  options.migrations.push_back({2, "second", sql});
  options.backup_before_migration = backup;
  return options;
}

// What the open says, and what is in the file after it.
std::string try_to_open(const std::string& file, const Options& options) {
  std::string said;
  try {
    Database::open(file, options).close();
    said = "opened";
  } catch (const StorageError& error) {
    said = std::string(error.what()) + " [hint: " + std::string(error.hint()) + "]";
  }
  RawSqlite db(file);
  return said + "; version " + db.run("PRAGMA user_version") + ", " +
         db.run("PRAGMA integrity_check") + ", " + db.run("SELECT sum(length(x)) FROM data") +
         " bytes\n";
}

void make_first(const std::string& file) {
  Options options;
  options.migrations = first_step();
  Database::open(file, options).close();
}

TEST(MigrateFault, AFullDiskStopsTheCopyAndChangesNothing) {
  const std::string said = on_small_disk(kDisk, [](const std::string& directory) {
    const std::string file = directory + "/a.db";
    make_first(file);
    write_file(directory + "/ballast", std::string(650'000, 'x'));
    const std::string before = fingerprint(file);
    std::string answer = try_to_open(file, with_second("DELETE FROM data", true));
    answer += fingerprint(file) == before ? "unchanged\n" : "changed\n";
    for (const std::string& name : names_in(directory))
      if (name.find(".before") != std::string::npos) answer += "left: " + name + "\n";
    fs::remove(directory + "/ballast");
    return answer + try_to_open(file, with_second("DELETE FROM data", true));
  });
  if (is_without_small_disk(said)) return;
  EXPECT_THAT(said, StartsWith("DB_DISK_FULL: the copy before the schema steps cannot be made"));
  EXPECT_THAT(said, HasSubstr("backup_before_migration"));
  EXPECT_THAT(said, HasSubstr("; version 1, ok, 200000 bytes\nunchanged\nopened; version 2, ok"));
}

TEST(MigrateFault, AFullDiskUndoesTheStepsAndLetsThemBeRepeated) {
  const std::string said = on_small_disk(kDisk, [](const std::string& directory) {
    const std::string file = directory + "/a.db";
    make_first(file);
    write_file(directory + "/ballast", std::string(500'000, 'x'));
    const Options options =
        with_second("CREATE TABLE more(x); INSERT INTO data VALUES (zeroblob(300000))", false);
    const std::string answer = try_to_open(file, options);
    fs::remove(directory + "/ballast");
    return answer + try_to_open(file, options);
  });
  if (is_without_small_disk(said)) return;
  EXPECT_THAT(said, AllOf(StartsWith("DB_DISK_FULL: "), HasSubstr("; version 1, ok, 200000 bytes"),
                          HasSubstr("opened; version 2, ok, 500000 bytes")));
}

// The hook of a sync point is a plain function.
std::string directory_to_close;
std::string_view point_to_close_at;

void close_directory(std::string_view point) {
  if (point == point_to_close_at) fs::permissions(directory_to_close, fs::perms(0555));
}

// Takes the right to write from the directory when the steps come to `point`.
std::string lose_permission_at(std::string_view point) {
  const TempDir directory;
  const fs::path inside = directory.path() / "inside";
  fs::permissions(directory.path(), fs::perms(0777));
  const std::string said = unprivileged([&]() -> std::string {
    ::umask(0);
    fs::create_directory(inside);
    const std::string file = inside / "a.db";
    make_first(file);
    // With another connection open the log and its index are there, and need not be made.
    const RawSqlite keeps_the_log(file);
    directory_to_close = inside.string();
    point_to_close_at = point;
    gate::sync_point_hook = &close_directory;
    std::string answer = try_to_open(file, with_second("DELETE FROM data", true));
    gate::sync_point_hook = nullptr;
    fs::permissions(inside, fs::perms(0777));
    return answer + try_to_open(file, with_second("DELETE FROM data", true));
  });
  // Made by another user: this one may not remove it when it is not root.
  std::error_code ignored;
  fs::permissions(inside, fs::perms(0777), ignored);
  return said;
}

TEST(MigrateFault, ADirectoryThatMayNotBeWrittenStopsTheCopy) {
  for (const std::string_view point : {"migrate:began", "migrate:copied"}) {
    const std::string said = lose_permission_at(point);
    EXPECT_THAT(said,
                AllOf(StartsWith("DB_PERMISSION: the copy before the schema steps cannot be made"),
                      HasSubstr("; version 1, ok, 200000 bytes\nopened; version 2, ok")))
        << point;
  }
}

}  // namespace
}  // namespace turnstile::test
