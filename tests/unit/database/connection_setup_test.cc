// Each setting is read back after it was made, on each connection.
#include "database/connection_setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <string>
#include <utility>

#include "support/files.h"
#include "support/note_database.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

// While it exists, all connections that the process opens answer 7 when they are asked for one
// setting, as if they had not taken the value that they were given: SQLite offers each PRAGMA to
// the file first.
class StubbornSetting {
 public:
  explicit StubbornSetting(std::string name) {
    name_ = std::move(name);
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(&attach));
  }
  ~StubbornSetting() { sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(&attach)); }
  StubbornSetting(const StubbornSetting&) = delete;
  StubbornSetting& operator=(const StubbornSetting&) = delete;

 private:
  static int attach(sqlite3* connection, const char** /*error*/, const void* /*routines*/) {
    sqlite3_file* file = nullptr;
    sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    original_ = file->pMethods;
    methods_ = *original_;
    methods_.xFileControl = &control;
    file->pMethods = &methods_;
    return SQLITE_OK;
  }
  static int control(sqlite3_file* file, int operation, void* argument) {
    if (operation == SQLITE_FCNTL_PRAGMA) {
      // The answer, the name and the value to set.
      auto** const texts = static_cast<char**>(argument);
      if (texts[1] == name_ && texts[2] == nullptr) {
        texts[0] = sqlite3_mprintf("7");
        return SQLITE_OK;
      }
    }
    return original_->xFileControl(file, operation, argument);
  }

  static inline std::string name_;
  static inline const sqlite3_io_methods* original_ = nullptr;
  static inline sqlite3_io_methods methods_{};
};

class SettingThatDoesNotHold : public testing::TestWithParam<const char*> {};

// CORE-13: a setting that is not in force is found out.
// CORE-14: the error names it, and what was open is closed.
TEST_P(SettingThatDoesNotHold, FailsTheOpenAndLeavesNothingOpen) {
  const TempDir directory;
  const std::string setting = GetParam();
  {
    const StubbornSetting stubborn(setting);
    const auto error =
        thrown<Error>([&] { (void)Database::open(directory.file("notes.db"), with_notes()); });
    EXPECT_EQ(error.code(), "ENGINE_ERROR");
    EXPECT_THAT(error.what(), testing::HasSubstr("the connection's setting " + setting + " is 7"));
  }
  EXPECT_THAT(open_files_in(directory.path()), testing::IsEmpty());
  const Database db = Database::open(directory.file("notes.db"), with_notes());
  EXPECT_EQ(count_notes(db.lane("notes")), 0);
}

// The first two are made on all connections, the third on the readers, the last on the writer.
INSTANTIATE_TEST_SUITE_P(All, SettingThatDoesNotHold,
                         testing::Values("foreign_keys", "synchronous", "query_only",
                                         "journal_size_limit"));

}  // namespace
}  // namespace turnstile::test
