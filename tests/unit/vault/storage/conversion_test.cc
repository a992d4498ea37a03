// From one form of a database to another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <tuple>
#include <utility>

#include "support/files.h"
#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "support/vault_bytes.h"
#include "turnstile/turnstile.h"
#include "vault/storage/conversion.h"
#include "vault/storage/encrypted_database.h"
#include "vault/storage/sealed_database.h"

namespace turnstile::vault {
namespace {

using test::add_note;
using test::count_notes;
using test::fixed_key;
using test::names_in;
using test::read_file;
using test::seal_of;
using test::TempDir;
using test::thrown;
using test::with_notes;
using testing::ElementsAre;
using Form = StoredDatabase::Form;

constexpr std::uint64_t kLimit = std::uint64_t{64} << 20;
constexpr int kNotes = 500;

SealedOptions sealed_notes() {
  SealedOptions options;
  options.save_within = std::chrono::milliseconds(0);
  options.database = with_notes();
  return options;
}

class Conversion : public testing::Test {
 protected:
  [[nodiscard]] StoredDatabase stored(Form form, std::string_view name, unsigned char key = 0) {
    StoredDatabase database;
    database.path = folder_.file(name);
    database.form = form;
    database.seal = seal_of(Purpose::Database, "profile");
    if (form != Form::Plain) database.data_key = key == 0 ? &key_ : &other_key_;
    return database;
  }
  template <class Use>
  auto with(const StoredDatabase& stored, bool create, const Use& use) {
    if (stored.form == Form::Sealed) {
      SealedDatabase sealed =
          create
              ? SealedDatabase::create(stored.path, *stored.data_key, stored.seal, sealed_notes())
              : SealedDatabase::open(stored.path, *stored.data_key, stored.seal, sealed_notes());
      return use(sealed.database().lane("test"));
    }
    if (stored.form == Form::Encrypted)
      return use(open_encrypted_database(stored.path, *stored.data_key, with_notes()).lane("test"));
    return use(Database::open(stored.path.string(), with_notes()).lane("test"));
  }
  void fill(const StoredDatabase& stored) {
    with(stored, true, [](const Lane& lane) {
      lane.write([](WriteTx& tx) {
        for (int i = 0; i < kNotes; ++i)
          add_note(tx, "canary " + std::to_string(i));
        // Free pages, which are to be converted too.
        tx.execute("CREATE TABLE gone AS SELECT zeroblob(100000)");
        tx.execute("DROP TABLE gone");
      });
      return 0;
    });
  }
  std::int64_t notes_in(const StoredDatabase& stored) {
    return with(stored, false, [](const Lane& lane) { return count_notes(lane); });
  }

  const TempDir folder_;
  const SecretBytes key_ = fixed_key();
  const SecretBytes other_key_ = fixed_key(100);
};

class ConversionOfForms : public Conversion,
                          public testing::WithParamInterface<std::tuple<Form, Form>> {};

TEST_P(ConversionOfForms, KeepsTheContentAndTheSource) {
  const auto [from, to] = GetParam();
  const StoredDatabase source = stored(from, "source");
  const StoredDatabase target = stored(to, "target", 1);
  fill(source);
  const std::string before = test::fingerprint(source.path);
  convert_database(source, target, kLimit);
  EXPECT_EQ(test::fingerprint(source.path), before);
  EXPECT_EQ(read_file(target.path).find("canary") != std::string::npos, to == Form::Plain);
  EXPECT_EQ(notes_in(target), kNotes);
  EXPECT_EQ(notes_in(source), kNotes);
  if (to == Form::Encrypted) verify_encrypted_file(target.path, other_key_);
  const std::string path = target.path.string();
  EXPECT_EQ(to == Form::Plain ? test::run_raw(path, "PRAGMA integrity_check") : "ok", "ok");
  EXPECT_EQ(is_plain_database(target.path), to == Form::Plain);
}

TEST_P(ConversionOfForms, OverwritesNothing) {
  const auto [from, to] = GetParam();
  fill(stored(from, "source"));
  test::write_file(folder_.file("target"), "something");
  const auto error = thrown<StorageError>(
      [&] { convert_database(stored(from, "source"), stored(to, "target", 1), kLimit); });
  EXPECT_EQ(error.code(), "BACKUP_EXISTS");
  EXPECT_EQ(read_file(folder_.file("target")), "something");
}

TEST_P(ConversionOfForms, FindsADamagedSource) {
  const auto [from, to] = GetParam();
  const StoredDatabase source = stored(from, "source");
  fill(source);
  std::string content = read_file(source.path);
  // In a page of notes: such damage is all that a plain file can be found to have.
  for (std::size_t at = 3 * 4096; at < 3 * 4096 + 64; ++at)
    content[at] = static_cast<char>(content[at] ^ 0x55);
  test::write_file(source.path, content);
  const auto error =
      thrown<VaultError>([&] { convert_database(source, stored(to, "target", 1), kLimit); });
  EXPECT_EQ(error.code(), "VAULT_CORRUPTED");
  EXPECT_FALSE(std::filesystem::exists(folder_.file("target")));
}

INSTANTIATE_TEST_SUITE_P(
    All, ConversionOfForms,
    testing::Combine(testing::Values(Form::Plain, Form::Sealed, Form::Encrypted),
                     testing::Values(Form::Plain, Form::Sealed, Form::Encrypted)));

// VTR-07: what is in the log is converted too.
TEST_F(Conversion, TakesWhatIsInTheLogOfAPlainDatabase) {
  const StoredDatabase source = stored(Form::Plain, "source");
  const Database open = Database::open(source.path.string(), with_notes());
  add_note(open.lane("test"), "in the log");
  convert_database(source, stored(Form::Sealed, "target", 1), kLimit);
  EXPECT_EQ(notes_in(stored(Form::Sealed, "target", 1)), 1);
}

TEST_F(Conversion, IsLimitedInMemory) {
  fill(stored(Form::Plain, "source"));
  const auto error = thrown<VaultError>([&] {
    convert_database(stored(Form::Plain, "source"), stored(Form::Sealed, "target"), 10000);
  });
  EXPECT_EQ(error.code(), "VAULT_TOO_LARGE");
  EXPECT_THAT(names_in(folder_.path()), testing::Not(testing::Contains("target")));
}

// Page by page: a profile too large for memory can be copied, carried on, and become plain.
TEST_F(Conversion, TakesNoMemoryBetweenFilesOfPages) {
  constexpr std::uint64_t kTiny = 10000;
  for (const auto& [from, to] :
       {std::pair(Form::Plain, Form::Plain), std::pair(Form::Encrypted, Form::Encrypted),
        std::pair(Form::Encrypted, Form::Plain)}) {
    const std::string name = std::to_string(static_cast<int>(from) * 10 + static_cast<int>(to));
    fill(stored(from, "source" + name));
    const StoredDatabase target = stored(to, "target" + name, 1);
    convert_database(stored(from, "source" + name), target, kTiny);
    EXPECT_EQ(notes_in(target), kNotes) << name;
  }
}

TEST_F(Conversion, TakesWhatIsInTheLogOfAPlainDatabaseThatIsCopied) {
  const StoredDatabase source = stored(Form::Plain, "source");
  const Database open = Database::open(source.path.string(), with_notes());
  add_note(open.lane("test"), "in the log");
  convert_database(source, stored(Form::Plain, "target"), kLimit);
  EXPECT_EQ(notes_in(stored(Form::Plain, "target")), 1);
}

TEST_F(Conversion, OfAnEmptyDatabaseGivesAnEmptyOne) {
  SealedOptions options;
  options.save_within = std::chrono::milliseconds(0);
  const StoredDatabase source = stored(Form::Sealed, "source");
  SealedDatabase::create(source.path, key_, source.seal, options).close();
  convert_database(source, stored(Form::Encrypted, "encrypted"), kLimit);
  EXPECT_EQ(with(stored(Form::Encrypted, "encrypted"), false,
                 [](const Lane& lane) { return count_notes(lane); }),
            0);
}

}  // namespace
}  // namespace turnstile::vault
