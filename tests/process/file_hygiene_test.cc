// The library leaves the database's own files to SQLite: see open_watch_actor.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "support/child_process.h"
#include "support/reply.h"
#include "support/temp_dir.h"

namespace turnstile::test {
namespace {

struct Watched {
  std::vector<std::string> findings;
  Reply reply{false};
};

Watched watch_opens(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), actor_path("open_watch"));
  const ProgramResult result = run_program(std::move(arguments));
  EXPECT_EQ(result.status, 0) << result.output;
  Watched watched;
  std::istringstream lines(result.output);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("finding "))
      watched.findings.push_back(line.substr(8));
    else
      watched.reply = Reply::parse(line);
  return watched;
}

// CORE-17: TheWatchFindsIntruders shows that it would be found out.
TEST(FileHygiene, NobodyButSqliteOpensTheDatabasesFilesWhileAConnectionLives) {
  const TempDir dir;
  const Watched watched = watch_opens({dir.file("app.db")});
  EXPECT_TRUE(watched.reply.ok()) << watched.reply.line();
  EXPECT_THAT(watched.findings, testing::IsEmpty());
}

TEST(FileHygiene, EveryFileThatSqliteOpenedIsClosedInTheEnd) {
  const TempDir dir;
  const Watched watched = watch_opens({dir.file("app.db")});
  // Four connections, each with the file, the log and its index, at least.
  EXPECT_GE(watched.reply.number("engine_opens"), 8) << watched.reply.line();
  EXPECT_EQ(watched.reply.number("still_open"), 0) << watched.reply.line();
}

TEST(FileHygiene, TheWatchFindsIntruders) {
  const TempDir dir;
  const std::string path = dir.file("app.db");
  const Watched watched = watch_opens({path, "intrude"});
  EXPECT_TRUE(watched.reply.ok()) << watched.reply.line();
  EXPECT_THAT(watched.findings, testing::ElementsAre(testing::EndsWith(" " + path),
                                                     testing::EndsWith(" " + path + "-wal"),
                                                     testing::EndsWith(" " + path + "-shm")));
}

}  // namespace
}  // namespace turnstile::test
