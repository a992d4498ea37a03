// The phases of a host's start-up, where its files are, and what a start-up that fails leaves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <numeric>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/files.h"
#include "support/home_at.h"
#include "support/log_events.h"
#include "support/place_of.h"
#include "support/raw_sqlite.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "support/unprivileged.h"
#include "turnstile/host.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class HostStartup : public testing::Test {
 protected:
  [[nodiscard]] HostOptions options() const { return {.data_directory = data_}; }

  /// A phase that writes down what becomes of it.
  [[nodiscard]] Phase phase(const std::string& name) {
    return {.name = name,
            .run = [this, name](Startup&) { steps_.push_back("+" + name); },
            .undo = [this, name] { steps_.push_back("-" + name); }};
  }
  /// Two phases before the database and two after it.
  [[nodiscard]] HostOptions with_phases() {
    HostOptions result = options();
    result.before_database = {phase("a"), phase("b")};
    result.after_database = {phase("c"), phase("d")};
    return result;
  }

  TempDir folder_;
  const fs::path data_ = folder_.path() / "data";
  std::vector<std::string> steps_;
};

[[nodiscard]] std::vector<std::string> names_of(const std::vector<BootstrapPhase>& phases) {
  std::vector<std::string> names;
  for (const BootstrapPhase& phase : phases)
    names.push_back(phase.name);
  return names;
}

// BOOT-01: phases run in a fixed, declared order.
TEST_F(HostStartup, RunsItsPhasesInTheDeclaredOrder) {
  const Host host(with_phases());
  EXPECT_THAT(names_of(host.status().phases),
              ElementsAre("data_directory", "a", "b", "extensions", "database", "c", "d"));
  EXPECT_THAT(steps_, ElementsAre("+a", "+b", "+c", "+d"));
}

// BOOT-02: a failure undoes the finished phases in reverse, and names the phase.
// BOOT-03: the phase that fails undoes its own part, too.
TEST_F(HostStartup, UndoesTheReverseOfWhatItDidWhicheverPhaseFails) {
  const std::vector<std::string> names = {"a", "b", "c", "d"};
  for (std::size_t failing = 0; failing < names.size(); ++failing) {
    steps_.clear();
    HostOptions options = with_phases();
    Phase& phase =
        failing < 2 ? options.before_database.at(failing) : options.after_database.at(failing - 2);
    phase.run = [run = phase.run](Startup& startup) {
      run(startup);
      throw std::runtime_error("no luck");
    };
    const auto error = thrown<StartError>([&] { const Host host(std::move(options)); });
    EXPECT_EQ(error.part(), names[failing]);
    EXPECT_EQ(error.code(), "PHASE_FAILED");
    EXPECT_EQ(error.message(), "phase '" + names[failing] + "': no luck");
    std::vector<std::string> expected;
    for (std::size_t number = 0; number <= failing; ++number)
      expected.push_back("+" + names[number]);
    for (std::size_t number = failing + 1; number-- > 0;)
      expected.push_back("-" + names[number]);
    EXPECT_EQ(steps_, expected);
    EXPECT_THAT(open_files_in(folder_.path()), IsEmpty());
  }
}

// BOOT-03: what a failed schema step leaves is no open file, no lock and no key.
TEST_F(HostStartup, LeavesNothingOfADatabaseThatCannotBeMigrated) {
  std::string key = "secret";
  HostOptions options = with_phases();
  options.before_database.push_back(
      {.name = "key", .run = [](Startup&) {}, .undo = [&key] { key.assign(key.size(), '\0'); }});
  options.options.migrations = {{1, "good", "CREATE TABLE t(x)"}, {2, "bad", "CREATE nonsense"}};
  const auto error = thrown<StartError>([&] { const Host host(std::move(options)); });
  EXPECT_EQ(error.part(), "database");
  EXPECT_EQ(error.code(), "MIGRATION_FAILED");
  EXPECT_THROW(std::rethrow_exception(error.cause()), MigrationError);
  EXPECT_EQ(key, std::string(6, '\0'));
  EXPECT_THAT(steps_, ElementsAre("+a", "+b", "-b", "-a"));
  EXPECT_THAT(open_files_in(folder_.path()), IsEmpty());
  EXPECT_EQ(run_raw((data_ / "app.db").string(),
                    "PRAGMA busy_timeout=0; CREATE TABLE other(x); "
                    "SELECT count(*) FROM sqlite_schema"),
            "1");
}

TEST_F(HostStartup, UndoesTheOthersWhenAnUndoFails) {
  HostOptions options = with_phases();
  options.before_database.back().undo = [] { throw std::runtime_error("stuck"); };
  options.after_database.front().run = [](Startup&) { throw std::runtime_error("no luck"); };
  const auto error = thrown<StartError>([&] { const Host host(std::move(options)); });
  EXPECT_EQ(error.message(), "phase 'c': no luck; undoing phase 'b' failed: stuck");
  EXPECT_THAT(steps_, ElementsAre("+a", "+b", "-c", "-a"));
}

TEST_F(HostStartup, CanBeRepeatedAfterAFailure) {
  int attempts = 0;
  for (const bool works : {false, true}) {
    HostOptions options = with_phases();
    options.after_database.front().run = [&attempts, works](Startup&) {
      ++attempts;
      if (!works) throw std::runtime_error("no luck");
    };
    if (works)
      EXPECT_NO_THROW(const Host host(std::move(options)));
    else
      EXPECT_THROW(const Host host(std::move(options)), StartError);
  }
  EXPECT_EQ(attempts, 2);
}

// BOOT-04: the duration of each phase is recorded.
TEST_F(HostStartup, TellsHowLongEachPhaseTook) {
  constexpr auto kLong = 20ms;
  HostOptions options = with_phases();
  options.before_database.front().run = [kLong](Startup&) {
    const auto until = std::chrono::steady_clock::now() + kLong;
    while (std::chrono::steady_clock::now() < until) {
    }
  };
  const auto began = std::chrono::steady_clock::now();
  const Host host(std::move(options));
  const auto all = std::chrono::steady_clock::now() - began;
  const auto phases = host.status().phases;
  const auto sum = std::accumulate(
      phases.begin(), phases.end(), std::chrono::microseconds(0),
      [](auto total, const BootstrapPhase& phase) { return total + phase.duration; });
  EXPECT_EQ(phases.size(), 7U);
  EXPECT_GE(phases.at(1).duration, kLong);
  EXPECT_GT(phases.at(4).duration, 0us);
  EXPECT_LE(sum, all);
}

TEST_F(HostStartup, LetsAPhaseSettleTheOptionsAndUseTheDatabase) {
  HostOptions options = this->options();
  options.before_database = {{.name = "configuration", .run = [](Startup& startup) {
                                EXPECT_EQ(startup.database, nullptr);
                                EXPECT_TRUE(fs::is_directory(startup.data_directory));
                                startup.options.connections = 2;
                                startup.detail = "two connections";
                              }}};
  options.after_database = {{.name = "profile", .run = [](Startup& startup) {
                               startup.database->lane("profile").write([](WriteTx& tx) {
                                 tx.execute("CREATE TABLE profile(name TEXT)");
                               });
                             }}};
  const Host host(std::move(options));
  EXPECT_EQ(host.database().info().pool.connections, 2);
  EXPECT_EQ(host.status().phases.at(1).detail, "two connections");
  EXPECT_EQ(host.status().phases.back().detail, "");
}

TEST_F(HostStartup, RefusesPhasesWithoutANameOfTheirOwn) {
  for (const std::string name : {"", "database", "a"}) {
    HostOptions options = with_phases();
    options.after_database.push_back(phase(name));
    EXPECT_EQ(thrown<MisuseError>([&] { const Host host(std::move(options)); }).code(),
              "OPTION_INVALID");
  }
  EXPECT_THAT(steps_, IsEmpty());
  EXPECT_FALSE(fs::exists(data_));
}

// BOOT-05: the data directory is private, and proven to be writable.
TEST_F(HostStartup, MakesAPrivateDataDirectoryAndLeavesNoProbe) {
  HostOptions options = this->options();
  options.data_directory = data_ / "deep" / "deeper";
  options.database = folder_.path() / "elsewhere.db";
  const Host host(std::move(options));
  for (const fs::path& made : {data_, data_ / "deep", data_ / "deep" / "deeper"}) {
    struct stat status {};
    ASSERT_EQ(::stat(made.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700U) << made;
  }
  EXPECT_THAT(names_in(data_ / "deep" / "deeper"), IsEmpty());
}

TEST_F(HostStartup, LeavesTheModeOfADataDirectoryThatIsThere) {
  fs::create_directory(data_);
  fs::permissions(data_, fs::perms(0750));
  const Host host(options());
  EXPECT_EQ(fs::status(data_).permissions(), fs::perms(0750));
}

// BOOT-05: the error names the user, who may not be who one thinks.
TEST_F(HostStartup, NamesTheUserWhoMayNotWriteToTheDataDirectory) {
  fs::create_directory(data_);
  fs::permissions(data_, fs::perms(0555));
  fs::permissions(folder_.path(), fs::perms(0755));
  const std::string said = unprivileged([this] {
    const auto error = thrown<StartError>([this] { const Host host(options()); });
    return std::to_string(::geteuid()) + " " + error.what();
  });
  const std::string user = said.substr(0, said.find(' '));
  EXPECT_THAT(said, HasSubstr("DATA_DIRECTORY_UNUSABLE: phase 'data_directory': "));
  EXPECT_THAT(said, HasSubstr("cannot be written to by user id " + user));
  EXPECT_THAT(names_in(data_), IsEmpty());
}

TEST_F(HostStartup, RefusesADataDirectoryThatIsAFile) {
  write_file(data_, "");
  const auto error = thrown<StartError>([this] { const Host host(options()); });
  EXPECT_EQ(error.code(), "DATA_DIRECTORY_UNUSABLE");
  EXPECT_THROW(std::rethrow_exception(error.cause()), StorageError);
}

TEST_F(HostStartup, MakesNothingWhenTheDatabaseIsOnlyRead) {
  HostOptions options = this->options();
  options.options.mode = OpenMode::ReadOnly;
  EXPECT_EQ(thrown<StartError>([&] { const Host host(options); }).part(), "data_directory");
  EXPECT_FALSE(fs::exists(data_));
  { const Host host(this->options()); }
  const Host host(options);
  EXPECT_FALSE(host.database().capabilities().can_write);
}

// BOOT-06: where the database is, however it is named.
TEST_F(HostStartup, FindsTheDatabaseByEachKindOfPath) {
  const HomeAt home(folder_.path() / "home");
  const std::vector<std::pair<fs::path, fs::path>> cases = {
      {"", data_ / "app.db"},
      {fs::relative(folder_.path() / "relative.db"), folder_.path() / "relative.db"},
      {folder_.path() / "absolute.db", folder_.path() / "absolute.db"},
      {"~/at-home.db", folder_.path() / "home" / "at-home.db"},
      {folder_.path() / "new" / "newer" / "deep.db", folder_.path() / "new" / "newer" / "deep.db"},
  };
  for (const auto& [given, expected] : cases) {
    HostOptions options = this->options();
    options.database = given;
    const Host host(std::move(options));
    EXPECT_EQ(host.database_path(), expected);
    EXPECT_EQ(host.database().info().path, expected.string());
    EXPECT_TRUE(fs::is_regular_file(expected));
  }
}

// BOOT-06: a directory in the place of the file is an error with a code.
TEST_F(HostStartup, RefusesADatabaseThatIsADirectory) {
  HostOptions options = with_phases();
  options.database = folder_.path();
  const auto error = thrown<StartError>([&] { const Host host(std::move(options)); });
  EXPECT_EQ(error.code(), "DB_IS_DIRECTORY");
  EXPECT_THAT(error.message(), StartsWith("phase 'database': "));
  EXPECT_THAT(steps_, ElementsAre("+a", "+b", "-b", "-a"));
}

TEST_F(HostStartup, RefusesOptionsThatNameNoPlace) {
  EXPECT_EQ(thrown<MisuseError>([] { const Host host({}); }).code(), "OPTION_INVALID");
  for (const char* name : {":memory:", "file:app.db?mode=rw"}) {
    HostOptions options = this->options();
    options.database = name;
    EXPECT_EQ(thrown<MisuseError>([&] { const Host host(options); }).code(), "OPTION_INVALID");
  }
  EXPECT_FALSE(fs::exists(data_));
}

// BOOT-07: one database, with one pool, for everybody.
TEST_F(HostStartup, HandsOutLanesOfOnePool) {
  const Host host(options());
  for (const char* part : {"records", "vectors", "audit", "cron", "tasks"}) {
    const Lane lane = host.lane(part);
    lane.write([part](WriteTx& tx) { tx.execute("CREATE TABLE " + std::string(part) + "(x)"); });
    EXPECT_EQ(lane.read([](ReadTx& tx) {
      return tx.query<std::int64_t>("SELECT count(*) FROM sqlite_schema").one();
    }) > 0,
              true);
  }
  EXPECT_EQ(host.database().info().pool.connections, 4);
  // And one more that SQLite keeps per file is not there: each connection has one descriptor.
  EXPECT_EQ(descriptors_of(host.database_path()), 4);
}

TEST_F(HostStartup, LeavesOutAnOptionalExtensionThatIsMissing) {
  LogEvents events;
  HostOptions options = this->options();
  options.optional_extensions = {{(folder_.path() / "missing.so").string(), ""}};
  options.log_sink = events.sink();
  const Host host(std::move(options));
  EXPECT_THAT(host.status().phases.at(1).detail, HasSubstr("missing.so is left out"));
  EXPECT_EQ(events.count("EXTENSION_LEFT_OUT"), 1U);
}

TEST_F(HostStartup, DoesNotStartWithoutAnExtensionThatItNeeds) {
  HostOptions options = this->options();
  options.options.extensions = {{(folder_.path() / "missing.so").string(), ""}};
  EXPECT_EQ(thrown<StartError>([&] { const Host host(options); }).code(), "EXTENSION_FAILED");
}

#ifdef TURNSTILE_TEST_VEC0
TEST_F(HostStartup, LoadsAnOptionalExtensionThatIsThere) {
  HostOptions options = this->options();
  options.optional_extensions = {{place_of::vec0(), ""}};
  const Host host(std::move(options));
  EXPECT_THAT(host.lane("vectors").read(
                  [](ReadTx& tx) { return tx.query<std::string>("SELECT vec_version()").one(); }),
              StartsWith("v"));
}
#endif

}  // namespace
}  // namespace turnstile::test
