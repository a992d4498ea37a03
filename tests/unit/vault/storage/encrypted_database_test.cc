// Database files that are encrypted page by page.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "support/files.h"
#include "support/forked.h"
#include "support/memory_scan.h"
#include "support/note_database.h"
#include "support/temp_dir.h"
#include "support/test_seed.h"
#include "support/test_size.h"
#include "support/thrown.h"
#include "support/vault_bytes.h"
#include "turnstile/turnstile.h"
#include "vault/storage/encrypted_database.h"
#include "vault/storage/encrypted_file.h"

namespace turnstile::vault {
namespace {

using namespace std::chrono_literals;
using test::add_note;
using test::all_notes;
using test::count_notes;
using test::fixed_key;
using test::names_in;
using test::read_file;
using test::TempDir;
using test::thrown;
using test::with_notes;
using test::write_file;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view kCanary = "the canary sings at dawn";

class EncryptedDatabase : public testing::Test {
 protected:
  Database open(Options options = with_notes()) {
    return open_encrypted_database(path(), key_, std::move(options));
  }
  Options existing() {
    Options options = with_notes();
    options.mode = OpenMode::ReadWrite;
    return options;
  }
  /// A file of some pages with the canary in each note.
  void make(int notes = 200) {
    const Database database = open();
    database.lane("test").write([&](WriteTx& tx) {
      for (int i = 0; i < notes; ++i)
        add_note(tx, std::string(kCanary) + std::to_string(i) + std::string(100, 'x'));
    });
  }
  // What opening it and reading all of it comes to.
  std::string outcome() {
    try {
      return std::to_string(count_notes(open(existing()).lane("test"))) + " notes";
    } catch (const Error& error) {
      return std::string(error.code());
    }
  }
  std::string verified() {
    try {
      verify_encrypted_file(path(), key_);
      return "whole";
    } catch (const VaultError& error) {
      return std::string(error.code());
    }
  }
  [[nodiscard]] std::string path() const { return folder_.file("vault.db"); }

  const TempDir folder_;
  const SecretBytes key_ = fixed_key();
};

TEST_F(EncryptedDatabase, KeepsWhatWasWritten) {
  add_note(open().lane("test"), "first");
  EXPECT_THAT(all_notes(open().lane("test")), ElementsAre("first"));
}

TEST_F(EncryptedDatabase, HasALogAndReadersBesideTheWriter) {
  const Database database = open();
  const Lane lane = database.lane("test");
  EXPECT_TRUE(std::filesystem::exists(path() + "-wal"));
  lane.write([&](WriteTx& tx) {
    add_note(tx, "unseen");
    std::jthread reader([&] { EXPECT_EQ(count_notes(lane), 0); });
  });
  EXPECT_EQ(count_notes(lane), 1);
}

// SEC-08: every connection of the pool has the key before its first read.
TEST_F(EncryptedDatabase, IsReadByAllConnectionsAtOnce) {
  make();
  Options options = with_notes();
  options.connections = 5;
  const Database database = open(options);
  std::atomic<int> inside{0};
  std::vector<std::jthread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      database.lane("test").read([&](ReadTx& tx) {
        EXPECT_EQ(count_notes(tx), 200);
        ++inside;
        while (inside < 4)
          std::this_thread::yield();
      });
    });
  }
}

// VSE-01 for this form: nothing plain in the file, its log, its index, or a temporary file.
TEST_F(EncryptedDatabase, LeavesNothingPlainOnTheMedium) {
  std::optional<Database> database = open();
  database->lane("test").write([&](WriteTx& tx) {
    tx.execute(
        "INSERT INTO note(text) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "WHERE i < 20000) SELECT ? || i FROM n",
        kCanary);
    tx.execute("UPDATE note SET text = text || 'x'");
    tx.execute("CREATE TEMP TABLE sorted AS SELECT text FROM note ORDER BY text DESC");
    EXPECT_THAT(test::open_files_in("/tmp"), testing::Not(testing::Contains(HasSubstr("etilqs"))));
  });
  ASSERT_THAT(names_in(folder_.path()), testing::Contains("vault.db-wal"));
  // Looked at by another process, so that no lock of this one is dropped.
  const std::string found = test::in_child([&] {
    std::string names;
    for (const std::string& name : test::files_with(folder_.path(), "canary"))
      names += name + " ";
    return names + "(" + std::to_string(read_file(path() + "-wal").size() > 100000) + ")";
  });
  EXPECT_EQ(found, "(1)");
  database.reset();
  EXPECT_THAT(test::files_with(folder_.path(), "canary"), IsEmpty());
}

TEST_F(EncryptedDatabase, HasNoPlainHeader) {
  make(1);
  EXPECT_NE(read_file(path()).substr(0, 15), "SQLite format 3");
}

// VSE-04: another key is told like damage: the key comes from a slot that the password has opened.
TEST_F(EncryptedDatabase, RefusesAnotherKey) {
  make(1);
  const auto error =
      thrown<VaultError>([&] { (void)open_encrypted_database(path(), fixed_key(1), existing()); });
  EXPECT_EQ(error.code(), "VAULT_CORRUPTED");
  EXPECT_EQ(error.sqlite_code() & 0xFF, SQLITE_NOTADB);
}

TEST_F(EncryptedDatabase, RefusesAPlainFile) {
  { const Database plain = Database::open(path(), with_notes()); }
  EXPECT_EQ(outcome(), "VAULT_CORRUPTED");
}

TEST_F(EncryptedDatabase, IsNotOpenedAsAPlainFile) {
  make(1);
  EXPECT_EQ(thrown<StorageError>([&] { (void)Database::open(path()); }).code(),
            "DB_NOT_A_DATABASE");
}

TEST_F(EncryptedDatabase, ThatWasEmptiedIsNotTakenForANewOne) {
  make(1);
  write_file(path(), "");
  EXPECT_EQ(outcome(), "VAULT_CORRUPTED");
}

TEST_F(EncryptedDatabase, IsSharedByThoseWhoHaveTheKey) {
  const Database one = open();
  const Database two = open();
  add_note(one.lane("test"), "first");
  EXPECT_EQ(count_notes(two.lane("test")), 1);
  EXPECT_EQ(thrown<MisuseError>([&] {
              (void)open_encrypted_database(path(), fixed_key(1), with_notes());
            }).code(),
            "DB_OPTIONS_DIFFER");
  EXPECT_EQ(thrown<MisuseError>([&] { (void)Database::open(path(), with_notes()); }).code(),
            "DB_OPTIONS_DIFFER");
}

TEST_F(EncryptedDatabase, CannotBeInMemory) {
  Options options;
  options.mode = OpenMode::Memory;
  EXPECT_EQ(thrown<MisuseError>([&] { (void)open(options); }).code(), "OPTION_INVALID");
}

TEST_F(EncryptedDatabase, IsOpenedReadOnly) {
  make();
  Options options = existing();
  options.mode = OpenMode::ReadOnly;
  EXPECT_EQ(count_notes(open(options).lane("test")), 200);
}

// SEC-12: the key goes with the database, even where a lane of it is kept.
TEST_F(EncryptedDatabase, LeavesNoKeyInMemoryWhenItIsClosed) {
  SecretBytes key = SecretBytes::random(kDataKeySize);
  const SecretBytes for_pages = page_key(key);
  const test::HiddenPattern data_pattern(key.bytes());
  const test::HiddenPattern page_pattern(for_pages.bytes());
  std::optional<Database> database = open_encrypted_database(path(), key, with_notes());
  key.wipe();
  const Lane lane = database->lane("test");
  add_note(lane, "first");
  EXPECT_EQ(count_notes(lane), 1);
  ASSERT_GT(page_pattern.times_in_memory(), 1U);
  database->close();
  EXPECT_EQ(data_pattern.times_in_memory(), 0U);
  EXPECT_EQ(page_pattern.times_in_memory(), 1U);  // This test's own.
}

// ---- Copies that the library makes ----

TEST_F(EncryptedDatabase, IsBackedUpEncrypted) {
  make();
  const Database database = open();
  for (const bool compact : {false, true}) {
    BackupOptions options;
    options.compact = compact;
    const std::string copy = folder_.file(compact ? "compact" : "copy");
    database.backup(copy, options);
    EXPECT_EQ(read_file(copy).find("canary"), std::string::npos);
    EXPECT_NO_THROW(verify_encrypted_file(copy, key_));
    EXPECT_EQ(count_notes(open_encrypted_database(copy, key_, with_notes()).lane("test")), 200);
  }
}

TEST_F(EncryptedDatabase, IsCopiedEncryptedBeforeASchemaStep) {
  make();
  Options newer = with_notes();
  newer.migrations.push_back({2, "mark", "CREATE TABLE mark(a)"});
  { const Database database = open(newer); }
  EXPECT_THAT(names_in(folder_.path()), testing::Contains(HasSubstr("before-v2")));
  EXPECT_THAT(test::files_with(folder_.path(), "canary"), IsEmpty());
}

TEST_F(EncryptedDatabase, IsVacuumedAndStaysEncrypted) {
  make();
  {
    const Database database = open();
    database.lane("test").write([](WriteTx& tx) { tx.execute("DELETE FROM note WHERE id > 20"); });
    database.maintenance().vacuum();
    EXPECT_EQ(count_notes(database.lane("test")), 20);
  }
  EXPECT_LT(read_file(path()).size(), 20 * 4096U);
  EXPECT_EQ(verified(), "whole");
  EXPECT_THAT(test::files_with(folder_.path(), "canary"), IsEmpty());
}

// ---- Damage ----

TEST_F(EncryptedDatabase, IsWhole) {
  make();
  EXPECT_EQ(verified(), "whole");
  EXPECT_EQ(outcome(), "200 notes");
}

// VSE-03: a flipped bit in any page is found by the check; and whoever reads that page is refused.
TEST_F(EncryptedDatabase, FindsAFlippedBitAnywhere) {
  make();
  const std::string whole = read_file(path());
  ASSERT_GT(whole.size(), 10 * 4096U);
  std::mt19937_64 random(test::test_seed());
  const int cases = test::test_size("TURNSTILE_TEST_VAULT_CASES", 1000);
  for (int i = 0; i < cases; ++i) {
    const std::size_t bit = random() % (whole.size() * 8);
    std::string flipped = whole;
    test::flip_bit(flipped, bit);
    write_file(path(), flipped);
    ASSERT_EQ(verified(), "VAULT_CORRUPTED") << "bit " << bit;
  }
}

// VSE-03: the engine itself finds what it reads, in each byte of the first page.
TEST_F(EncryptedDatabase, DoesNotOpenWithAChangedFirstPage) {
  make(1);
  const std::string whole = read_file(path());
  for (std::size_t byte = 0; byte < 4096; byte += byte < 100 ? 1 : 61) {
    std::string flipped = whole;
    test::flip_bit(flipped, byte * 8 + byte % 8);
    write_file(path(), flipped);
    ASSERT_EQ(outcome(), "VAULT_CORRUPTED") << "byte " << byte;
  }
}

TEST_F(EncryptedDatabase, RefusesAChangedPageWhenItIsRead) {
  make();
  const std::string whole = read_file(path());
  for (std::size_t page = 1; page < whole.size() / 4096; ++page) {
    std::string flipped = whole;
    test::flip_bit(flipped, (page * 4096 + 2000) * 8);
    write_file(path(), flipped);
    const std::string found = outcome();
    // The one page of the schema steps' records is read by the open, the others by the query.
    ASSERT_TRUE(found == "VAULT_CORRUPTED" || found == "DB_CORRUPT" || found == "200 notes")
        << found;
    ASSERT_EQ(verified(), "VAULT_CORRUPTED");
  }
}

TEST_F(EncryptedDatabase, FindsThatItWasCutOffOrExtended) {
  make();
  const std::string whole = read_file(path());
  for (const std::string& changed :
       {whole.substr(0, whole.size() - 4096), whole.substr(0, whole.size() - 1),
        whole.substr(0, 100), whole + std::string(4096, '\0'), whole + "x"}) {
    write_file(path(), changed);
    EXPECT_EQ(verified(), "VAULT_CORRUPTED");
  }
}

TEST_F(EncryptedDatabase, FindsThatPagesChangedPlaces) {
  make();
  std::string content = read_file(path());
  const std::string fourth = content.substr(3 * 4096, 4096);
  content.replace(3 * 4096, 4096, content.substr(4 * 4096, 4096));
  content.replace(4 * 4096, 4096, fourth);
  write_file(path(), content);
  EXPECT_EQ(verified(), "VAULT_CORRUPTED");
}

TEST_F(EncryptedDatabase, IsNotCheckedWhileItIsOpen) {
  const Database database = open();
  EXPECT_EQ(thrown<MisuseError>([&] { verify_encrypted_file(path(), key_); }).code(), "DB_IN_USE");
}

TEST_F(EncryptedDatabase, IsNotCheckedWithoutItsLog) {
  make();
  write_file(path() + "-wal", "something");
  EXPECT_EQ(thrown<StorageError>([&] { verify_encrypted_file(path(), key_); }).code(),
            "DB_LOG_LEFT");
}

// ---- The page format ----

// The format page is right: what this library writes without the engine, the engine reads.
TEST_F(EncryptedDatabase, IsRekeyedPageByPage) {
  make();
  const SecretBytes other = fixed_key(50);
  rekey_encrypted_file(path(), key_, folder_.file("other"), other);
  EXPECT_NO_THROW(verify_encrypted_file(folder_.file("other"), other));
  const Database database = open_encrypted_database(folder_.file("other"), other, with_notes());
  EXPECT_EQ(count_notes(database.lane("test")), 200);
  add_note(database.lane("test"), "and goes on");
  EXPECT_EQ(outcome(), "200 notes");
}

// The files of today are to be read in ten years.
TEST_F(EncryptedDatabase, OfVersionOneIsRead) {
  write_file(path(), test::text_of(test::format_file("pages.hex")));
  verify_encrypted_file(path(), key_);
  Options options;
  options.mode = OpenMode::ReadWrite;
  EXPECT_EQ(open(options).lane("test").read(
                [](ReadTx& tx) { return tx.query<std::string>("SELECT a FROM t").one(); }),
            "hello");
}

TEST(PageCipherOfAVault, GoesOnAtZeroBehindTheLastBlock) {
  constexpr std::size_t kBlock = 64;
  const SecretBytes key = fixed_key();
  const test::Bytes nonce(12, std::byte{3});
  test::Bytes whole(100 * kBlock - 5);
  test::Bytes in_blocks = whole;
  const std::uint32_t first = 0xFFFFFFF0U;
  chacha20_xor(whole, nonce, first, key.bytes());
  for (std::uint32_t i = 0; i < 100; ++i) {
    const auto rest = std::span(in_blocks).subspan(i * kBlock);
    chacha20_xor(rest.first(std::min(kBlock, rest.size())), nonce, first + i, key.bytes());
  }
  EXPECT_EQ(whole, in_blocks);
}

// RFC 8439, 2.4.2.
TEST(PageCipherOfAVault, UsesThePublishedChaCha20) {
  const std::string_view text =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
      "sunscreen would be it.";
  test::Bytes bytes(text.size());
  std::ranges::copy(test::as_bytes(text), bytes.begin());
  chacha20_xor(bytes, test::from_hex("000000000000004a00000000"), 1, fixed_key().bytes());
  EXPECT_EQ(test::to_hex(bytes),
            "6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0b"
            "f91b65c5524733ab8f593dabcd62b3571639d624e65152ab8f530c359f0861d8"
            "07ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab7793736"
            "5af90bbf74a35be6b40b8eedf2785e42874d");
}

TEST(PageCipherOfAVault, GivesThePageBack) {
  const PageCipher cipher(fixed_key());
  const FileSalt salt{std::byte{1}};
  for (const std::size_t size : {std::size_t{512}, std::size_t{4096}, std::size_t{65536}}) {
    for (const std::uint32_t number : {1U, 2U, 0xFFFFFFFEU}) {
      const std::string text = test::random_text(size, size + number);
      test::Bytes page(size);
      std::ranges::copy(test::as_bytes(text), page.begin());
      if (number == 1) std::ranges::copy(test::as_bytes("SQLite format 3"), page.begin());
      if (number == 1) page[15] = std::byte{0};
      const test::Bytes before = page;
      cipher.encrypt(number, page, salt);
      ASSERT_NE(page, before);
      test::Bytes copy = page;
      ASSERT_FALSE(PageCipher(fixed_key(1)).decrypt(number, copy));
      copy = page;
      ASSERT_FALSE(cipher.decrypt(number + 1, copy));
      ASSERT_TRUE(cipher.decrypt(number, page));
      ASSERT_TRUE(std::equal(page.begin(), page.end() - 32, before.begin()));
    }
  }
}

}  // namespace
}  // namespace turnstile::vault
