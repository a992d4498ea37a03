// What is inside a database: keys, indexes, free pages, encryption, vectors; and what is repaired.
#include <random>

#include "support/test_seed.h"
#include "turnstile/error.h"
#include "turnstile/turnstile.h"
#include "turnstile/vectors.h"
#include "unit/diagnose/doctor/doctor_fixture.h"

namespace turnstile::test {
namespace {

using testing::Contains;
using testing::HasSubstr;

class Inside : public Doctor {};

TEST_F(Inside, ShowsForeignKeysThatLeadNowhere) {
  make(
      "CREATE TABLE folder(id INTEGER PRIMARY KEY); CREATE TABLE note(folder REFERENCES folder);"
      "INSERT INTO note VALUES (7), (8)");
  const Finding finding = this->finding("foreign-keys");
  EXPECT_EQ(finding.status, CheckStatus::Warn);
  EXPECT_THAT(finding.evidence, Contains("2 rows of note refer to folder"));
}

TEST_F(Inside, ShowsAForeignKeyToWhatIsNotUniqueAndTheLostRowsOfOtherTables) {
  make(
      "CREATE TABLE p(a, b); CREATE TABLE c(x REFERENCES p(a)); INSERT INTO c VALUES (1);"
      "CREATE TABLE folder(id INTEGER PRIMARY KEY); CREATE TABLE note(folder REFERENCES folder);"
      "INSERT INTO note VALUES (7)");
  std::string evidence;
  for (const Finding& finding : findings_of(report(), "foreign-keys")) {
    EXPECT_EQ(finding.status, CheckStatus::Warn);
    for (const std::string& clause : finding.evidence)
      evidence += clause + "\n";
  }
  EXPECT_EQ(evidence,
            "1 rows of note refer to folder\n"
            "foreign key mismatch - \"c\" referencing \"p\"\n");
}

TEST_F(Inside, ShowsForeignKeysWithoutAnIndexAndHowToMakeOne) {
  make(
      "CREATE TABLE folder(id INTEGER PRIMARY KEY);"
      "CREATE TABLE note(folder REFERENCES folder(id), \"odd \"\"name\" REFERENCES folder(id))");
  const Finding finding = this->finding("foreign-key-indexes");
  EXPECT_EQ(finding.status, CheckStatus::Warn);
  ASSERT_EQ(finding.evidence.size(), 2U);
  for (const std::string& clause : finding.evidence)
    run_raw(path(), clause.substr(clause.find("CREATE INDEX")));
  EXPECT_EQ(this->finding("foreign-key-indexes").status, CheckStatus::Pass);
}

TEST_F(Inside, TakesAnyIndexThatBeginsWithAColumnOfTheKey) {
  make(
      "CREATE TABLE folder(a, b, PRIMARY KEY(a, b));"
      "CREATE TABLE one(id INTEGER PRIMARY KEY REFERENCES folder(a));"
      "CREATE TABLE two(x, y, FOREIGN KEY(x, y) REFERENCES folder(a, b));"
      "CREATE INDEX by_y ON two(Y, x);"
      "CREATE TABLE three(x PRIMARY KEY REFERENCES folder(a)) WITHOUT ROWID");
  EXPECT_EQ(finding("foreign-key-indexes").status, CheckStatus::Pass);
}

TEST_F(Inside, ShowsAKeyOfWhichAnIndexHasOnlyTheFirstColumn) {
  make(
      "CREATE TABLE folder(a, b, PRIMARY KEY(a, b));"
      "CREATE TABLE two(x, y, z, FOREIGN KEY(x, y) REFERENCES folder(a, b));"
      "CREATE INDEX by_x ON two(x, z)");
  const Finding finding = this->finding("foreign-key-indexes");
  EXPECT_EQ(finding.status, CheckStatus::Warn);
  EXPECT_THAT(finding.title, HasSubstr("partly covered"));
  run_raw(path(), "DROP INDEX by_x; CREATE UNIQUE INDEX by_x ON two(x)");
  EXPECT_EQ(this->finding("foreign-key-indexes").status, CheckStatus::Pass);
}

TEST_F(Inside, NamesIndexesAsNothingElseIsNamed) {
  make(
      "CREATE TABLE folder(id INTEGER PRIMARY KEY);"
      "CREATE TABLE Note(folder REFERENCES folder(id));"
      "CREATE TABLE note_folder(id); CREATE INDEX note_FOLDER_2 ON note_folder(id)");
  const Finding finding = this->finding("foreign-key-indexes");
  ASSERT_EQ(finding.evidence.size(), 1U);
  const std::string& clause = finding.evidence.front();
  run_raw(path(), clause.substr(clause.find("CREATE INDEX")));
  EXPECT_EQ(this->finding("foreign-key-indexes").status, CheckStatus::Pass);
}

TEST_F(Inside, DoesNotTakeAPartialIndex) {
  make(
      "CREATE TABLE folder(id INTEGER PRIMARY KEY);"
      "CREATE TABLE note(folder REFERENCES folder(id), done);"
      "CREATE INDEX some ON note(folder) WHERE done");
  EXPECT_EQ(finding("foreign-key-indexes").status, CheckStatus::Warn);
}

TEST_F(Inside, ShowsThatMuchOfTheFileIsFree) {
  make(
      "CREATE TABLE note(data); INSERT INTO note VALUES (zeroblob(5000000));"
      "INSERT INTO note VALUES (zeroblob(1000000))");
  EXPECT_EQ(finding("free-pages").status, CheckStatus::Pass);
  run_raw(path(), "DELETE FROM note WHERE rowid = 1");
  EXPECT_EQ(finding("free-pages").status, CheckStatus::Warn);
}

TEST_F(Inside, CanBeOfASchemaWhoseFunctionsAndModulesAreNotThere) {
  make();
  run_raw(path(),
          "PRAGMA writable_schema=ON; INSERT INTO sqlite_schema VALUES "
          "('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING not_there(x)')");
  EXPECT_THAT(troubles_of(report()), testing::IsEmpty());
}

// A function and a collation that only the program has.
TEST_F(Inside, IsCheckedTableByTableWhereSomethingIsMissing) {
  make(
      "CREATE TABLE note(title); CREATE TABLE one(x); CREATE INDEX by_f ON one(upper(x));"
      "CREATE TABLE two(x COLLATE NOCASE UNIQUE);"
      "INSERT INTO note VALUES (zeroblob(9000)); INSERT INTO one VALUES ('a');"
      "INSERT INTO two VALUES ('b')");
  run_raw(path(),
          "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = "
          "replace(replace(sql, 'upper', 'our_function'), 'NOCASE', 'our_order')");
  const auto missing_order = HasSubstr("two: no such collation sequence: our_order");
  const auto quick = findings_of(report(), "integrity");
  ASSERT_EQ(quick.size(), 2U);
  EXPECT_EQ(quick[0].title, "2 tables checked, and whole");
  EXPECT_EQ(quick[1].status, CheckStatus::Skip);
  EXPECT_THAT(quick[1].evidence, testing::ElementsAre(missing_order));
  const auto full = findings_of(report({.full = true}), "integrity");
  ASSERT_EQ(full.size(), 2U);
  EXPECT_EQ(full[0].title, "1 table checked, and whole");
  EXPECT_THAT(
      full[1].evidence,
      testing::ElementsAre(HasSubstr("one: unknown function: our_function()"), missing_order));
  patch(4096, std::string(4096, '\x5a'));
  EXPECT_EQ(finding("integrity").status, CheckStatus::Fail);
}

// Encryption.

// DOC-07: plain.
TEST_F(Inside, IsPlain) {
  make();
  EXPECT_EQ(finding("encryption").title, "plain");
  EXPECT_EQ(finding("encryption").status, CheckStatus::Pass);
}

// DOC-07: enabled, not yet migrated.
TEST_F(Inside, IsPlainAlthoughItWasMeantToBeEncrypted) {
  make();
  const Finding finding = this->finding("encryption", {.expect_encryption = true});
  EXPECT_EQ(finding.title, "enabled, not yet migrated");
  EXPECT_EQ(finding.status, CheckStatus::Warn);
}

// DOC-07: encrypted, and there is no key.
TEST_F(Inside, IsEncryptedWhereItLooksLikeNoise) {
  std::mt19937_64 random(test_seed());
  std::string noise(3 * 4096, '\0');
  for (char& c : noise)
    c = static_cast<char>(random());
  write_file(path(), noise);
  const DoctorReport report = this->report();
  const Finding finding = finding_of(report, "encryption");
  EXPECT_EQ(finding.title, "encrypted");
  EXPECT_EQ(finding.status, CheckStatus::Warn);
  EXPECT_THAT(finding.cure, HasSubstr("key"));
  EXPECT_EQ(report.count(CheckStatus::Fail), 0U);
}

// Embeddings.

class InsideVectors : public Doctor {
 protected:
  InsideVectors() {
    const Database database = Database::open(path());
    const VectorStore store(database.lane("vectors"));
    static_cast<void>(store.create("notes", {.dimension = 128, .model = "small"}));
  }
  [[nodiscard]] Finding expecting(std::int64_t dimension, const std::string& name = "notes") const {
    DoctorOptions options;
    options.embeddings = {{name, dimension}};
    return finding("embeddings", options);
  }
};

// DOC-08: no provider.
TEST_F(InsideVectors, AreSkippedWithoutAProvider) {
  EXPECT_EQ(finding("embeddings").status, CheckStatus::Skip);
}

// DOC-08: a dimension of zero.
TEST_F(InsideVectors, WarnOfAProviderWithoutADimension) {
  EXPECT_EQ(expecting(0).status, CheckStatus::Warn);
}

// DOC-08: another dimension than the stored one.
TEST_F(InsideVectors, FailWithAnotherDimensionThanTheConfiguredOne) {
  const Finding finding = expecting(768);
  EXPECT_EQ(finding.status, CheckStatus::Fail);
  EXPECT_THAT(finding.title, HasSubstr("128"));
  EXPECT_THAT(finding.title, HasSubstr("768"));
}

TEST_F(InsideVectors, PassWithTheConfiguredDimension) {
  EXPECT_EQ(expecting(128).status, CheckStatus::Pass);
}

TEST_F(InsideVectors, WarnOfACollectionThatIsNotThere) {
  EXPECT_EQ(expecting(128, "it's not").status, CheckStatus::Warn);
}

TEST_F(Inside, IsSkippedWhereThereAreNoCollections) {
  make();
  DoctorOptions options;
  options.embeddings = {{"notes", 128}};
  EXPECT_EQ(finding("embeddings", options).status, CheckStatus::Skip);
}

// Repairs.

class Repair : public Doctor {};

// DOC-09: a missing directory is made, for its user alone.
TEST_F(Repair, MakesAMissingDirectoryPrivate) {
  const std::string file = directory_.file("a/b/app.db");
  const std::string done = repair(file, finding_of(examine(file), "location"));
  EXPECT_THAT(done, HasSubstr("made the directory"));
  for (const char* made : {"a", "a/b"}) {
    EXPECT_EQ(std::filesystem::status(directory_.file(made)).permissions(),
              std::filesystem::perms(0700));
  }
}

// DOC-09: damage is nothing that can be repaired.
TEST_F(Repair, RefusesADamagedDatabaseAndLeavesItAlone) {
  make("CREATE TABLE note(title); INSERT INTO note VALUES (zeroblob(20000))");
  patch(4096, std::string(4096, '\x5a'));
  const std::string before = fingerprint(path());
  EXPECT_THROW(repair(path(), finding("integrity")), MisuseError);
  EXPECT_EQ(fingerprint(path()), before);
}

TEST_F(Repair, TakesInALogThatWasLeft) {
  make();
  crash_after("INSERT INTO note(title) VALUES ('x')");
  repair(path(), finding("sidecars"));
  EXPECT_FALSE(std::filesystem::exists(wal()));
  EXPECT_EQ(finding("sidecars").status, CheckStatus::Pass);
  EXPECT_EQ(run_raw(path(), "SELECT count(*) FROM note"), "1");
}

TEST_F(Repair, UndoesAJournalThatWasLeft) {
  make("CREATE TABLE note(id INTEGER PRIMARY KEY, title); INSERT INTO note(title) VALUES ('old')",
       "delete");
  crash_after("PRAGMA cache_size=1; BEGIN; UPDATE note SET title = zeroblob(100000)");
  repair(path(), finding("sidecars"));
  EXPECT_FALSE(std::filesystem::exists(path() + "-journal"));
  EXPECT_EQ(run_raw(path(), "SELECT title FROM note"), "old");
}

TEST_F(Repair, RefusesWhatSomebodyHasRepairedMeanwhile) {
  make();
  crash_after("INSERT INTO note(title) VALUES ('x')");
  const Finding finding = this->finding("sidecars");
  run_raw(path(), "SELECT count(*) FROM note");
  EXPECT_THROW(repair(path(), finding), MisuseError);
}

}  // namespace
}  // namespace turnstile::test
