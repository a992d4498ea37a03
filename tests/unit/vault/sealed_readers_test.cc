// Readers of a sealed profile, whose database is in memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <thread>
#include <vector>

#include "support/door.h"
#include "support/workspace.h"

namespace turnstile::test {
namespace {

constexpr int kReaders = 4;

// VSE-13: all of them are inside at once, each with its snapshot; with one connection behind a
// mutex the second would not get in.
TEST(SealedReaders, DoNotQueueBehindOneAnother) {
  WorkspacePlace place;
  place.options().database.connections = kReaders + 1;
  Workspace workspace = place.open();
  workspace.create("vault", {.kind = ProfileKind::Sealed, .password = kPassword});
  const VaultSession session = workspace.unlock("vault", kPassword);
  add_note(session.lane("notes"), "x");
  Door door;
  std::vector<std::jthread> readers;
  for (int i = 0; i < kReaders; ++i) {
    readers.emplace_back([&, lane = session.lane("notes")] {
      lane.read([&](ReadTx& tx) {
        EXPECT_EQ(tx.query<std::int64_t>("SELECT count(*) FROM note").one(), 1);
        door.pass();
      });
    });
  }
  door.wait_for(kReaders);
  door.open();
}

}  // namespace
}  // namespace turnstile::test
