// The examples of docs/guide/host.md; guide_test.cc compares them.
#include "turnstile/host.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "support/component_trail.h"
#include "support/home_at.h"
#include "support/temp_dir.h"
#include "turnstile/interrupt_watch.h"
#include "turnstile/shell.h"

namespace turnstile::test {
namespace {

/// A part of a program as many are.
class Outbox {
 public:
  explicit Outbox(Lane lane) : lane_(std::move(lane)) {}
  void start() { runs_ = true; }
  void stop(std::chrono::milliseconds /*deadline*/) { runs_ = false; }
  [[nodiscard]] bool runs() const { return runs_; }

 private:
  const Lane lane_;
  bool runs_ = false;
};

class GuideToTheHost : public testing::Test {
 protected:
  static Migrations app_schema() { return {{1, "notes", "CREATE TABLE note(text TEXT)"}}; }

  TempDir folder_;
};

TEST_F(GuideToTheHost, ShowsWhereTheDatabaseIsOpened) {
  const HomeAt home(folder_.path());
  turnstile::Host host({.data_directory = "~/.notes", .options = {.migrations = app_schema()}});
  turnstile::Lane notes = host.lane("notes");
  notes.write([](WriteTx& tx) { tx.execute("INSERT INTO note VALUES ('x')"); });
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / ".notes" / "app.db"));
}

TEST_F(GuideToTheHost, ShowsPhases) {
  struct Key {
    void wipe() { bytes.clear(); }
    std::string bytes;
  } key;
  std::string profile;
  const auto read_key = [](const std::filesystem::path& directory) { return Key{directory}; };
  const auto load_profile = [](const Lane& lane) {
    return lane.read([](ReadTx& tx) { return tx.query<std::string>("SELECT 'ada'").one(); });
  };
  HostOptions options{.data_directory = folder_.path()};
  options.before_database = {
      {.name = "key",
       .run = [&](turnstile::Startup& startup) { key = read_key(startup.data_directory); },
       .undo = [&] { key.wipe(); }},
  };
  options.after_database = {
      {.name = "profile",
       .run =
           [&](turnstile::Startup& startup) {
             profile = load_profile(startup.database->lane("profile"));
           }},
  };
  const Host host(std::move(options));
  EXPECT_EQ(profile, "ada");
  EXPECT_EQ(key.bytes, folder_.path().string());
}

TEST_F(GuideToTheHost, ShowsAComponentAndTheEnd) {
  Host host({.data_directory = folder_.path()});
  auto outbox = std::make_shared<Outbox>(host.lane("outbox"));
  host.add(turnstile::component_of("outbox", turnstile::ComponentPriority::Buffer, outbox));
  host.start();
  EXPECT_TRUE(outbox->runs());

  turnstile::HostStopReport report = host.stop();
  for (const turnstile::ComponentStatus& part : report.components)
    if (!part.reason.empty()) std::cerr << part.name << ": " << part.reason << '\n';
  EXPECT_TRUE(report.complete());
  EXPECT_FALSE(outbox->runs());
}

TEST_F(GuideToTheHost, ShowsAnOptionalComponent) {
  struct Embedding {
    explicit Embedding(const Lane& lane) {
      lane.write([](WriteTx& tx) { tx.execute("CREATE VIRTUAL TABLE v USING missing0(x)"); });
    }
    void finish() {}
  };
  std::unique_ptr<Embedding> embedding;
  Host host({.data_directory = folder_.path()});
  host.add({.name = "embedding",
            .start = [&] { embedding = std::make_unique<Embedding>(host.lane("embedding")); },
            .stop = [&](std::chrono::milliseconds) { embedding->finish(); },
            .optional = true,
            .advice = "Install the vector extension."});
  host.start();
  EXPECT_EQ(status_of(host.status().components, "embedding").state, ComponentState::Disabled);
}

TEST_F(GuideToTheHost, ShowsHowAProgramRunsUntilItIsInterrupted) {
  Host host({.data_directory = folder_.path()});
  host.add({.name = "person at the terminal", .start = [] { ::raise(SIGINT); }});
  turnstile::HostStopReport report = turnstile::run_until_interrupted(host);
  EXPECT_TRUE(report.complete());
}

TEST_F(GuideToTheHost, ShowsMaintenance) {
  const std::filesystem::path directory = folder_.path();
  turnstile::HostOptions options{.data_directory = directory,
                                 .maintenance = turnstile::MaintenanceSchedule{
                                     .interval = std::chrono::hours(1), .vacuum_pages = 1000}};
  const Host host(std::move(options));
  EXPECT_TRUE(host.status().maintenance);
}

TEST_F(GuideToTheHost, ShowsACommand) {
  std::string lines = "b\na\nb\n";
  turnstile::ShellOutcome outcome = turnstile::run_shell(
      {.words = {"sort", "-u"}, .input = lines, .timeout = std::chrono::seconds(30)});
  if (outcome.succeeded()) lines = outcome.output;
  EXPECT_EQ(lines, "a\nb\n");
}

}  // namespace
}  // namespace turnstile::test
