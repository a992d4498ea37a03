// Schema steps that are C++ functions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "support/note_database.h"
#include "support/raw_sqlite.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::HasSubstr;

// The notes, and behind them one step that is a function.
Options with_function(std::function<void(WriteTx&)> apply, std::string revision = {}) {
  Options options = with_notes();
  options.migrations.push_back({.version = 2,
                                .name = "a function",
                                .apply = std::move(apply),
                                .revision = std::move(revision)});
  return options;
}

class FunctionStep : public testing::Test {
 protected:
  [[nodiscard]] std::string file() const { return directory_.file("a.db"); }
  [[nodiscard]] Database open(std::function<void(WriteTx&)> apply) const {
    return Database::open(file(), with_function(std::move(apply)));
  }
  [[nodiscard]] MigrationError failure(std::function<void(WriteTx&)> apply) const {
    return thrown<MigrationError>([&] { (void)open(std::move(apply)); });
  }

 private:
  TempDir directory_;
};

TEST_F(FunctionStep, WritesInTheTransactionOfTheSteps) {
  const Database db = open([](WriteTx& tx) { add_note(tx, "made by a step"); });
  EXPECT_EQ(all_notes(db.lane("a")), std::vector<std::string>{"made by a step"});
  EXPECT_EQ(db.info().schema_version, 2);
}

TEST_F(FunctionStep, IsRunOnce) {
  int runs = 0;
  for (int i = 0; i < 3; ++i)
    (void)open([&](WriteTx&) { ++runs; });
  EXPECT_EQ(runs, 1);
}

TEST_F(FunctionStep, UndoesAllStepsWhenItThrows) {
  const MigrationError error = failure([](WriteTx& tx) {
    add_note(tx, "undone");
    throw std::runtime_error("no such luck");
  });
  EXPECT_EQ(error.code(), "MIGRATION_FAILED");
  EXPECT_THAT(error.what(), HasSubstr("schema step 2 (a function) failed: no such luck"));
  EXPECT_EQ(run_raw(file(), "SELECT count(*) FROM sqlite_schema"), "0");
}

TEST_F(FunctionStep, IsNamedWhenItsSqlFails) {
  const MigrationError error = failure([](WriteTx& tx) { tx.execute("INSERT INTO nowhere"); });
  EXPECT_THAT(error.what(), HasSubstr("schema step 2 (a function) failed"));
}

TEST_F(FunctionStep, CannotGoOnAfterSqliteHasRolledBack) {
  const MigrationError error = failure([](WriteTx& tx) {
    add_note(tx, "twice");
    try {
      tx.execute("INSERT OR ROLLBACK INTO note(text) VALUES ('twice')");
    } catch (const ConstraintError&) {
      return;
    }
  });
  EXPECT_EQ(error.code(), "MIGRATION_FAILED");
  EXPECT_EQ(run_raw(file(), "SELECT count(*) FROM sqlite_schema"), "0");
}

TEST_F(FunctionStep, HasSavepoints) {
  const Database db = open([](WriteTx& tx) {
    add_note(tx, "kept");
    Savepoint part = tx.savepoint();
    add_note(tx, "not kept");
    part.rollback();
  });
  EXPECT_EQ(count_notes(db.lane("a")), 1);
}

TEST_F(FunctionStep, CannotYield) {
  bool yielded = true;
  (void)open([&](WriteTx& tx) { yielded = tx.yield_point(); });
  EXPECT_FALSE(yielded);
}

TEST_F(FunctionStep, CanUseOnce) {
  const Database db = open([](WriteTx& tx) { (void)tx.once("import"); });
  EXPECT_EQ(db.outcome_of("import"), CommitState::Committed);
}

TEST_F(FunctionStep, RunsItsActionsAfterTheCommit) {
  std::string seen;
  (void)open([&](WriteTx& tx) {
    add_note(tx, "committed");
    tx.after_commit([&] { seen = run_raw(file(), "SELECT text FROM note"); });
  });
  EXPECT_EQ(seen, "committed");
}

TEST_F(FunctionStep, RunsNoActionWhenTheStepsFail) {
  bool ran = false;
  Options options = with_function([&](WriteTx& tx) { tx.after_commit([&] { ran = true; }); });
  options.migrations.push_back({3, "fails", "INSERT INTO nowhere VALUES (1)"});
  EXPECT_THROW((void)Database::open(file(), options), MigrationError);
  EXPECT_FALSE(ran);
}

TEST_F(FunctionStep, IsKnownByItsRevision) {
  const auto nothing = [](WriteTx&) {};
  Database::open(file(), with_function(nothing, "1")).close();
  EXPECT_NO_THROW(Database::open(file(), with_function(nothing, "1")).close());
  EXPECT_EQ(thrown<MigrationError>([&] {
              (void)Database::open(file(), with_function(nothing, "2"));
            }).code(),
            "MIGRATION_EDITED");
}

TEST_F(FunctionStep, IsInsteadOfSql) {
  for (const Migration& step :
       {Migration{.version = 1, .name = "both", .sql = "SELECT 1", .apply = [](WriteTx&) {}},
        Migration{.version = 1, .name = "neither"}}) {
    Options options;
    options.migrations = {step};
    const auto error = thrown<MisuseError>([&] { (void)Database::open(file(), options); });
    EXPECT_EQ(error.code(), "MIGRATION_INVALID");
    EXPECT_THAT(error.what(), HasSubstr(step.name));
  }
}

TEST_F(FunctionStep, CannotWriteThroughALaneToo) {
  Database db = Database::open(file(), with_notes());
  const Migrations steps = {{.version = 1, .name = "waits for itself", .apply = [&](WriteTx&) {
                               add_note(db.lane("other"), "never");
                             }}};
  const auto error = thrown<MigrationError>([&] { (void)db.migrate("part", steps); });
  EXPECT_THAT(error.what(), HasSubstr("a write was started"));
}

}  // namespace
}  // namespace turnstile::test
