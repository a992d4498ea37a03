// Bad files and bad values, from the outside: each is answered with one exact code, and the file
// comes out byte for byte as it went in. Paths and permissions are in
// unit/database/location_test.cc and newer schemas in unit/database/migrate_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstddef>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "support/files.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// A closed database of notes with some pages.
std::string make_database(const TempDir& directory) {
  std::string file = directory.file("notes.db");
  const Database db = Database::open(file, with_notes());
  db.lane("notes").write([](WriteTx& tx) {
    for (int i = 0; i < 2000; ++i)
      add_note(tx, "note number " + std::to_string(i));
  });
  return file;
}

// What opening a file with these bytes throws, in every mode that opens a file that is there.
void expect_refused(std::string_view content, std::string_view code) {
  const TempDir directory;
  const std::string file = directory.file("a.db");
  write_file(file, content);
  const std::string before = fingerprint(file);
  for (const OpenMode mode : {OpenMode::ReadWriteCreate, OpenMode::ReadWrite, OpenMode::ReadOnly}) {
    Options options = with_notes();
    options.mode = mode;
    const auto error = thrown<StorageError>([&] { (void)Database::open(file, options); });
    EXPECT_EQ(error.code(), code) << error.what();
    EXPECT_THAT(error.what(), HasSubstr(file));
    EXPECT_EQ(fingerprint(file), before) << static_cast<int>(mode);
  }
}

// What `attempt` throws in a write that has changed something before.
template <class E>
E refused_in_write(const std::function<void(WriteTx&)>& attempt) {
  const TempDir directory;
  const std::string file = make_database(directory);
  const std::string before = fingerprint(file);
  const E error = [&] {
    const Database db = Database::open(file, with_notes());
    return thrown<E>([&] {
      db.lane("notes").write([&](WriteTx& tx) {
        add_note(tx, "before the bad one");
        attempt(tx);
      });
    });
  }();
  EXPECT_EQ(fingerprint(file), before);
  return error;
}

// Memory that is there as far as anybody can tell, and that costs nothing until it is read.
class HugeRegion {
 public:
  HugeRegion()
      : data_(
            ::mmap(nullptr, kSize, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
    if (data_ == MAP_FAILED) throw std::runtime_error("no room for a huge region");
  }
  ~HugeRegion() { ::munmap(data_, kSize); }
  HugeRegion(const HugeRegion&) = delete;
  HugeRegion& operator=(const HugeRegion&) = delete;

  [[nodiscard]] BlobView bytes() const { return {static_cast<const std::byte*>(data_), kSize}; }
  [[nodiscard]] std::string_view text() const { return {static_cast<const char*>(data_), kSize}; }

 private:
  static constexpr std::size_t kSize = 1'000'000'001;  // SQLite's limit is one less.
  void* data_;
};

TEST(BadFile, ThatIsTextIsNoDatabase) {
  expect_refused("This is a letter, and not a database. " + std::string(4000, '.'),
                 "DB_NOT_A_DATABASE");
}

TEST(BadFile, ThatIsShortTextIsNoDatabase) {
  expect_refused("hello\n", "DB_NOT_A_DATABASE");
}

// As a file looks that an encrypting SQLite has made.
TEST(BadFile, OfRandomBytesIsNoDatabase) {
  std::mt19937 random(7);
  std::string content(8192, '\0');
  for (char& c : content)
    c = static_cast<char>(random() & 0xFFU);
  expect_refused(content, "DB_NOT_A_DATABASE");
}

TEST(BadFile, WithRandomFirstBytesIsNoDatabase) {
  const TempDir directory;
  std::string content = read_file(make_database(directory));
  std::mt19937 random(11);
  for (std::size_t i = 0; i < 16; ++i)
    content[i] = static_cast<char>(random() & 0xFFU);
  expect_refused(content, "DB_NOT_A_DATABASE");
}

TEST(BadFile, CutOffAfterAPageIsDamaged) {
  const TempDir directory;
  expect_refused(read_file(make_database(directory)).substr(0, 4096), "DB_CORRUPT");
}

TEST(BadFile, CutOffInsideAPageIsDamaged) {
  const TempDir directory;
  expect_refused(read_file(make_database(directory)).substr(0, 6000), "DB_CORRUPT");
}

TEST(BadFile, WithADamagedPageIsFoundOutByTheReadThatNeedsIt) {
  const TempDir directory;
  const std::string file = make_database(directory);
  std::string content = read_file(file);
  const std::size_t page = 4096;
  const std::size_t root = std::stoul(run_raw(file,
                                              "SELECT rootpage FROM sqlite_schema "
                                              "WHERE name = 'note'"));
  for (std::size_t i = (root - 1) * page; i < root * page; ++i)
    content[i] = '\xA5';
  write_file(file, content);
  const std::string before = fingerprint(file);
  {
    const Database db = Database::open(file, with_notes());
    const auto error = thrown<StorageError>([&] { (void)all_notes(db.lane("notes")); });
    EXPECT_EQ(error.code(), "DB_CORRUPT") << error.what();
    EXPECT_EQ(error.lane(), "notes");
  }
  EXPECT_EQ(fingerprint(file), before);
}

TEST(BadUri, WithAMisspeltKeyMakesNoFile) {
  const TempDir directory;
  const auto error = thrown<MisuseError>(
      [&] { (void)Database::open("file:" + directory.file("a.db") + "?_busy_timout=5000"); });
  EXPECT_EQ(error.code(), "URI_INVALID");
  EXPECT_THAT(error.what(), HasSubstr("_busy_timout"));
  EXPECT_THAT(names_in(directory.path()), IsEmpty());
}

TEST(BadSql, IsReportedWithItsPosition) {
  const std::string sql = "INSERT INTO note(text)\nVALEUS ('x')";
  const auto error = refused_in_write<Error>([&](WriteTx& tx) { tx.execute(sql); });
  EXPECT_EQ(error.code(), "SQL_ERROR");
  EXPECT_EQ(error.sql(), sql);
  EXPECT_EQ(error.sql_offset(), sql.find("VALEUS"));
  EXPECT_THAT(error.what(), HasSubstr("line 2, column 1"));
  EXPECT_STREQ(error.where().file_name(), __FILE__);
}

TEST(BadSql, ThatIsNoUtf8IsReportedWithItsPosition) {
  const auto error =
      refused_in_write<MisuseError>([](WriteTx& tx) { tx.execute("SELECT '\xFF'"); });
  EXPECT_EQ(error.code(), "SQL_ERROR");
  EXPECT_EQ(error.sql_offset(), 8U);
}

TEST(BadSql, WithTooFewValuesIsRefused) {
  const auto error = refused_in_write<MisuseError>(
      [](WriteTx& tx) { tx.execute("INSERT INTO note(id, text) VALUES (?, ?)", 77777); });
  EXPECT_EQ(error.code(), "PARAMETER_COUNT") << error.what();
}

TEST(BadSql, WithTooManyValuesIsRefused) {
  const auto error = refused_in_write<MisuseError>(
      [](WriteTx& tx) { tx.execute("INSERT INTO note(text) VALUES (?)", "a", "b"); });
  EXPECT_EQ(error.code(), "PARAMETER_COUNT") << error.what();
}

TEST(BadSql, WithAnUnknownNameIsRefused) {
  const auto error = refused_in_write<MisuseError>(
      [](WriteTx& tx) { tx.execute("INSERT INTO note(text) VALUES (:text)", named("txet", "a")); });
  EXPECT_EQ(error.code(), "PARAMETER_UNKNOWN") << error.what();
}

TEST(BadValue, OfAnotherTypeThanItIsReadIntoIsRefused) {
  const auto error = refused_in_write<MisuseError>(
      [](WriteTx& tx) { (void)tx.query<int>("SELECT text FROM note").first(); });
  EXPECT_EQ(error.code(), "COLUMN_TYPE");
  EXPECT_THAT(error.what(), HasSubstr("column 0 (text) is TEXT"));
}

TEST(BadValue, ThatIsNoUtf8IsRefused) {
  const auto error = refused_in_write<MisuseError>([](WriteTx& tx) { add_note(tx, "caf\xE9"); });
  EXPECT_EQ(error.code(), "PARAMETER_INVALID");
  EXPECT_THAT(error.what(), HasSubstr("byte 3"));
}

TEST(BadValue, ThatIsAHugeBlobIsRefusedUnread) {
  const HugeRegion huge;
  const auto error = refused_in_write<MisuseError>(
      [&](WriteTx& tx) { tx.execute("INSERT INTO note(text) VALUES (?)", huge.bytes()); });
  EXPECT_EQ(error.code(), "VALUE_TOO_BIG");
  EXPECT_THAT(error.what(), HasSubstr("1000000001"));
}

TEST(BadValue, ThatIsAHugeTextIsRefusedUnread) {
  const HugeRegion huge;
  const auto error = refused_in_write<MisuseError>([&](WriteTx& tx) { add_note(tx, huge.text()); });
  EXPECT_EQ(error.code(), "VALUE_TOO_BIG");
}

TEST(BadValue, ThatSqlMakesTooBigIsRefused) {
  const auto error = refused_in_write<MisuseError>(
      [](WriteTx& tx) { tx.execute("INSERT INTO note(text) VALUES (zeroblob(1000000001))"); });
  EXPECT_EQ(error.code(), "VALUE_TOO_BIG");
}

TEST(BadStatement, ThatWasMovedFromIsRefused) {
  const auto error = refused_in_write<MisuseError>([](WriteTx& tx) {
    Statement insert = tx.prepare("INSERT INTO note(text) VALUES (?)");
    const Statement moved = std::move(insert);
    insert.execute("late");
  });
  EXPECT_EQ(error.code(), "STATEMENT_EXPIRED");
}

}  // namespace
}  // namespace turnstile::test
