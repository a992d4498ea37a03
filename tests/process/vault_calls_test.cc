// What the vault asks the system for, in which order, and what it does when that is refused for a
// moment; and whom it names.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/child_process.h"
#include "support/thrown.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::unique_ptr<ChildProcess> start_calls(std::vector<std::string> words) {
  words.insert(words.begin(), actor_path("vault_calls"));
  return std::make_unique<ChildProcess>(std::move(words));
}

/// The lines that a program says before `done`.
std::vector<std::string> lines_of(ChildProcess& actor) {
  std::vector<std::string> lines;
  for (;;) {
    std::string line = actor.read_line();
    if (line == "done") return lines;
    if (line.starts_with("failed")) {
      ADD_FAILURE() << line;
      return lines;
    }
    lines.push_back(std::move(line));
  }
}

std::size_t place_of_line(const std::vector<std::string>& lines, std::string_view with) {
  const auto found = std::ranges::find_if(
      lines, [&](const std::string& line) { return line.find(with) != std::string::npos; });
  EXPECT_NE(found, lines.end()) << with;
  return static_cast<std::size_t>(found - lines.begin());
}

// VIN-01: folders, one connection, journal mode and schema in one transaction, and only then
// others; the profile gets its name when all of them are closed.
TEST(VaultCalls, OfAFreshProfileAreInOrder) {
  WorkspacePlace place;
  const auto actor = start_calls({"trace", place.root().string()});
  const std::vector<std::string> lines = lines_of(*actor);
  const std::string all = testing::PrintToString(lines);
  ASSERT_THAT(lines, Contains(StartsWith("connect"))) << all;
  const std::size_t first = place_of_line(lines, "connect ");
  const std::size_t table = place_of_line(lines, "CREATE TABLE note");
  const std::size_t wal = place_of_line(lines, "journal_mode=WAL");
  const auto is = [](std::string_view word) {
    return [word](const std::string& line) { return line.starts_with(word); };
  };
  const auto from = [&](std::size_t at) { return lines.begin() + static_cast<std::ptrdiff_t>(at); };

  // Folders, and nothing else, before there is a connection.
  EXPECT_TRUE(std::all_of(lines.begin(), from(first), is("mkdir"))) << all;
  EXPECT_TRUE(std::none_of(from(first), lines.end(), is("mkdir"))) << all;
  // One connection until the file is settled.
  const auto commit = std::find_if(from(table), lines.end(), [](const std::string& line) {
    return line.find("COMMIT") != std::string::npos;
  });
  ASSERT_NE(commit, lines.end()) << all;
  const auto settled = std::max(commit, from(wal));
  EXPECT_EQ(std::count_if(lines.begin(), settled, is("connect")), 1) << all;
  EXPECT_TRUE(std::all_of(from(first) + 1, settled + 1, is("sql 1 "))) << all;
  // The schema is in one transaction, and the journal mode is set once, outside of it.
  const auto begin =
      std::find_if(std::make_reverse_iterator(from(table)), lines.rend(),
                   [](const std::string& line) { return line.find("BEGIN") != std::string::npos; });
  ASSERT_NE(begin, lines.rend()) << all;
  EXPECT_TRUE(from(wal) < begin.base() || from(wal) > commit) << all;
  EXPECT_EQ(std::ranges::count_if(lines,
                                  [](const std::string& line) {
                                    return line.find("journal_mode=") != std::string::npos;
                                  }),
            1)
      << all;
  // All connections are closed before the profile is put in its place.
  const auto named = place_of_line(lines, "rename " + (place.root() / "profiles").string());
  EXPECT_EQ(std::count_if(lines.begin(), from(named), is("connect")),
            std::count_if(lines.begin(), from(named), is("close")))
      << all;
}

// VTR-12: what is refused for a moment is done all the same, and nothing is left of it.
TEST(VaultCalls, ThatAreRefusedForAMomentAreMadeAgain) {
  WorkspacePlace place;
  const auto actor = start_calls({"busy", place.root().string(), "5"});
  EXPECT_THAT(lines_of(*actor), IsEmpty());
  EXPECT_EQ(actor->wait(), 0);
  EXPECT_THAT(place.open().profiles(), IsEmpty());
  EXPECT_THAT(names_in(place.root() / "profiles"), IsEmpty());
  EXPECT_THAT(names_in(place.root() / "tmp"), IsEmpty());
}

// VST-09: the second program is told who has the workspace; the lock of a dead one is nobody's.
TEST(VaultCalls, TellWhoHasTheWorkspaceAlone) {
  WorkspacePlace place;
  place.options().database.busy_timeout = std::chrono::milliseconds(0);
  const auto alone = start_calls({"alone", place.root().string()});
  ASSERT_EQ(alone->read_line(), "ok");
  for (const bool exclusive : {false, true}) {
    place.options().exclusive = exclusive;
    const Timeout refused = thrown<Timeout>([&] { (void)place.open(); });
    EXPECT_EQ(refused.code(), "WORKSPACE_IN_USE");
    EXPECT_EQ(refused.holder().pid, alone->pid());
    EXPECT_EQ(refused.holder().program, "vault_calls_act");
    EXPECT_THAT(std::string(refused.message()), HasSubstr(std::to_string(alone->pid())));
  }
  alone->kill();
  EXPECT_NO_THROW((void)place.open());
}

// VST-09: whoever wants it alone is told who shares it, and not who had it alone before.
TEST(VaultCalls, TellWhoSharesTheWorkspace) {
  WorkspacePlace place;
  const auto before = start_calls({"alone", place.root().string()});
  ASSERT_EQ(before->read_line(), "ok");
  before->kill();
  place.open().create("work");
  ChildProcess sharer({actor_path("vault"), "", "0", place.root().string(), "hold"});
  ASSERT_EQ(sharer.read_line(), "ok");
  place.options().exclusive = true;
  place.options().database.busy_timeout = std::chrono::milliseconds(0);
  const Timeout refused = thrown<Timeout>([&] { (void)place.open(); });
  EXPECT_EQ(refused.code(), "WORKSPACE_IN_USE");
  EXPECT_EQ(refused.holder().pid, sharer.pid());
  sharer.kill();
  EXPECT_NO_THROW((void)place.open());
}

}  // namespace
}  // namespace turnstile::test
