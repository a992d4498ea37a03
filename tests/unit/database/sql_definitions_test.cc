// Functions and collations of the program, on every connection and wherever the schema needs them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <latch>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "support/temp_dir.h"
#include "support/thrown.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Value twice(std::span<const Value> arguments) {
  return 2 * std::get<std::int64_t>(arguments[0]);
}

int backwards(std::string_view a, std::string_view b) {
  return b.compare(a);
}

Options defining(Function function) {
  Options options;
  options.functions.push_back(std::move(function));
  return options;
}

// A table that cannot be read or written without both.
Options needing_both() {
  Options options;
  options.functions = {
      {.name = "twice", .call = twice, .arguments = 1, .deterministic = true, .in_schema = true}};
  options.collations = {{.name = "backwards", .compare = backwards}};
  options.migrations = {{1, "both",
                         "CREATE TABLE t(a TEXT COLLATE backwards, n INTEGER);"
                         "CREATE INDEX by_a ON t(a); CREATE INDEX by_twice ON t(twice(n));"
                         "INSERT INTO t VALUES ('a', 1), ('b', 2), ('c', 3)"}};
  return options;
}

class FunctionOfTheProgram : public testing::Test {
 protected:
  [[nodiscard]] std::string file() const { return directory_.file("a.db"); }
  [[nodiscard]] Database open(Function function) const {
    return Database::open(file(), defining(std::move(function)));
  }
  [[nodiscard]] static std::string text_of(const Lane& lane, const std::string& sql) {
    return lane.read([&](ReadTx& tx) { return tx.query<std::string>(sql).one(); });
  }

  TempDir directory_;
};

TEST_F(FunctionOfTheProgram, IsThereOnEveryConnection) {
  const Database db = open({.name = "twice", .call = twice});
  const Lane lane = db.lane("test");
  // All readers are in use at once, so that each has to have it.
  constexpr std::ptrdiff_t kReaders = 3;
  std::latch all(kReaders);
  std::vector<std::jthread> threads;
  for (std::ptrdiff_t i = 0; i < kReaders; ++i) {
    threads.emplace_back([&] {
      lane.read([&](ReadTx& tx) {
        all.arrive_and_wait();
        EXPECT_EQ(tx.query<int>("SELECT twice(21)").one(), 42);
      });
    });
  }
  threads.clear();
  EXPECT_EQ(lane.write([](WriteTx& tx) { return tx.query<int>("SELECT twice(4)").one(); }), 8);
}

TEST_F(FunctionOfTheProgram, GetsAndReturnsEachTypeOfValue) {
  const Database db = open({.name = "same", .call = [](auto arguments) { return arguments[0]; }});
  EXPECT_EQ(text_of(db.lane("test"),
                    "SELECT quote(same(NULL)) || quote(same(-7)) || quote(same(0.5)) ||"
                    " quote(same('a' || char(0) || 'b') = 'a' || char(0) || 'b') ||"
                    " quote(same('')) || quote(same(x'00ff')) || quote(same(x''))"),
            "NULL-70.51''X'00FF'X''");
}

TEST_F(FunctionOfTheProgram, TakesAnyNumberOfArguments) {
  const Database db = open({.name = "how_many", .call = [](auto arguments) -> Value {
                              return static_cast<std::int64_t>(arguments.size());
                            }});
  EXPECT_EQ(text_of(db.lane("test"), "SELECT how_many() || how_many(7) || how_many(7, 7, 7)"),
            "013");
}

TEST_F(FunctionOfTheProgram, FailsTheStatementWithWhatItThrows) {
  const Database db = open(
      {.name = "fail", .call = [](auto) -> Value { throw std::runtime_error("no such luck"); }});
  const auto error = thrown<Error>([&] { (void)text_of(db.lane("test"), "SELECT fail()"); });
  EXPECT_EQ(error.code(), "SQL_ERROR");
  EXPECT_THAT(error.message(), HasSubstr("fail(): no such luck"));
}

TEST_F(FunctionOfTheProgram, FailsTheStatementWhateverItThrows) {
  const Database db = open({.name = "fail", .call = [](auto) -> Value { throw 7; }});
  EXPECT_THAT(thrown<Error>([&] { (void)text_of(db.lane("test"), "SELECT fail()"); }).message(),
              HasSubstr("fail() threw"));
}

TEST_F(FunctionOfTheProgram, CannotReturnTextThatIsNoUtf8) {
  const Database db = open({.name = "broken", .call = [](auto) -> Value { return "a\xff"; }});
  EXPECT_THAT(thrown<Error>([&] { (void)text_of(db.lane("test"), "SELECT broken()"); }).message(),
              HasSubstr("broken(): the result is no UTF-8"));
}

TEST_F(FunctionOfTheProgram, IsRefusedInTheSchemaUnlessItIsForThat) {
  const Database db = open({.name = "twice", .call = twice, .arguments = 1, .deterministic = true});
  const auto make_view = [](WriteTx& tx) {
    tx.execute("CREATE VIEW v AS SELECT twice(1) AS n");
    (void)tx.query<int>("SELECT n FROM v").one();
  };
  EXPECT_THAT(thrown<Error>([&] { db.lane("test").write(make_view); }).message(),
              HasSubstr("unsafe use of twice()"));
}

TEST_F(FunctionOfTheProgram, IsSetUpByTheOpenThatTheSecondHandleShares) {
  const Database db = open({.name = "twice", .call = twice});
  EXPECT_EQ(text_of(open({.name = "twice", .call = twice}).lane("test"), "SELECT twice(2) || ''"),
            "4");
  EXPECT_EQ(thrown<MisuseError>([&] { (void)Database::open(file()); }).code(), "DB_OPTIONS_DIFFER");
}

struct Mistake {
  std::string name;
  std::function<void(Options&)> make;
  std::string said;
};
class DefinitionMistake : public testing::TestWithParam<Mistake> {};

TEST_P(DefinitionMistake, IsRefusedBeforeTheFileIsMade) {
  const TempDir directory;
  Options options = needing_both();
  GetParam().make(options);
  const auto error =
      thrown<MisuseError>([&] { (void)Database::open(directory.file("a.db"), options); });
  EXPECT_EQ(error.code(), "OPTION_INVALID");
  EXPECT_THAT(error.message(), HasSubstr(GetParam().said));
  EXPECT_FALSE(std::filesystem::exists(directory.file("a.db")));
}

INSTANTIATE_TEST_SUITE_P(
    Of, DefinitionMistake,
    testing::Values(
        Mistake{"NoName", [](Options& o) { o.functions[0].name.clear(); }, "1 to 255 bytes"},
        Mistake{"LongName", [](Options& o) { o.functions[0].name.assign(256, 'a'); },
                "1 to 255 bytes"},
        Mistake{"NothingToCall", [](Options& o) { o.functions[0].call = nullptr; },
                "nothing to call"},
        Mistake{"Arguments", [](Options& o) { o.functions[0].arguments = 101; }, "0 to 100"},
        Mistake{"FunctionTwice",
                [](Options& o) {
                  o.functions.push_back(o.functions[0]);
                  o.functions[1].name = "TWICE";
                },
                "there twice"},
        Mistake{"CollationName", [](Options& o) { o.collations[0].name = "a\xff"; }, "a\\xff"},
        Mistake{"NothingToCompare", [](Options& o) { o.collations[0].compare = nullptr; },
                "nothing to compare"},
        Mistake{"CollationTwice",
                [](Options& o) {
                  o.collations.push_back({"Backwards", backwards});
                },
                "there twice"}),
    [](const auto& mistake) { return mistake.param.name; });

class DefinitionsOfASchema : public testing::Test {
 protected:
  [[nodiscard]] std::string file() const { return directory_.file("a.db"); }
  [[nodiscard]] std::string copy() const { return directory_.file("copy.db"); }
  [[nodiscard]] static std::vector<std::string> in_order(const Database& db) {
    return db.lane("test").read(
        [](ReadTx& tx) { return tx.query<std::string>("SELECT a FROM t ORDER BY a").all(); });
  }
  [[nodiscard]] static SqlDefinitions definitions() {
    const Options options = needing_both();
    return {.functions = options.functions, .collations = options.collations};
  }

  TempDir directory_;
};

TEST_F(DefinitionsOfASchema, AreThereForItsStepsAndItsIndexes) {
  const Database db = Database::open(file(), needing_both());
  EXPECT_THAT(in_order(db), ElementsAre("c", "b", "a"));
  db.lane("test").write([](WriteTx& tx) { tx.execute("INSERT INTO t VALUES ('bb', 21)"); });
  EXPECT_EQ(db.lane("test").read([](ReadTx& tx) {
    return tx.query<std::string>("SELECT a FROM t INDEXED BY by_twice WHERE twice(n) = 42").one();
  }),
            "bb");
}

TEST_F(DefinitionsOfASchema, AreThereForTheCheckOfABackup) {
  const Database db = Database::open(file(), needing_both());
  EXPECT_EQ(db.backup(copy()).tables.size(), 2U);
  BackupOptions compact{.compact = true};
  EXPECT_EQ(db.backup(directory_.file("compact.db"), compact).tables.size(), 2U);
}

TEST_F(DefinitionsOfASchema, AreThereForTheCopyBeforeAStep) {
  Options options = needing_both();
  (void)Database::open(file(), options);
  options.migrations.push_back({2, "more", "CREATE TABLE u(x)"});
  const Database db = Database::open(file(), options);
  EXPECT_TRUE(std::filesystem::exists(file() + ".before-v2"));
}

TEST_F(DefinitionsOfASchema, AreThereForTheComparisonWithAnExpectedOne) {
  Options options = needing_both();
  options.expect_schema =
      "CREATE TABLE t(a TEXT COLLATE backwards, n INTEGER); CREATE INDEX by_twice ON t(twice(n))";
  EXPECT_THAT(in_order(Database::open(file(), options)), ElementsAre("c", "b", "a"));
}

TEST_F(DefinitionsOfASchema, AreNeededToVerifyAFile) {
  (void)Database::open(file(), needing_both());
  EXPECT_THAT(verify_file(file(), {.definitions = definitions()}).problems, IsEmpty());
  EXPECT_THAT(verify_file(file()).problems, ElementsAre(HasSubstr("twice")));
}

TEST_F(DefinitionsOfASchema, AreNeededToRestoreABackup) {
  (void)Database::open(file(), needing_both()).backup(copy());
  const std::string target = directory_.file("target.db");
  EXPECT_EQ(thrown<StorageError>([&] { restore(copy(), target); }).code(), "BACKUP_INVALID");
  restore(copy(), target, {.definitions = definitions()});
  EXPECT_THAT(in_order(Database::open(target, needing_both())), ElementsAre("c", "b", "a"));
}

}  // namespace
}  // namespace turnstile::test
