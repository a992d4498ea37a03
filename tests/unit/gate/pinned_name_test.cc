// The lock that keeps a database's name from getting another file while somebody opens it.
#include <gtest/gtest.h>

#include <memory>

#include "gate/process_gate.h"
#include "support/files.h"
#include "support/temp_dir.h"

namespace turnstile::gate {
namespace {

// Two gates of one process are to each other as those of two.
class PinnedName : public testing::Test {
 protected:
  PinnedName() { test::write_file(directory_.file("a.db"), ""); }
  [[nodiscard]] std::unique_ptr<ProcessGate> come() const {
    return std::make_unique<ProcessGate>(directory_.file("a.db"));
  }

 private:
  test::TempDir directory_;
};

TEST_F(PinnedName, IsSharedByAllWhoOpen) {
  const auto one = come();
  const auto other = come();
  EXPECT_TRUE(one->pin_name());
  EXPECT_TRUE(other->pin_name());
}

TEST_F(PinnedName, CannotBeClaimed) {
  const auto opens = come();
  const auto replaces = come();
  EXPECT_TRUE(opens->pin_name());
  EXPECT_FALSE(replaces->claim_name());
  opens->unpin_name();
  EXPECT_TRUE(replaces->claim_name());
}

TEST_F(PinnedName, CannotBePinnedOnceItIsClaimed) {
  const auto opens = come();
  {
    const auto replaces = come();
    EXPECT_TRUE(replaces->claim_name());
    EXPECT_TRUE(replaces->claim_name());
    EXPECT_FALSE(opens->pin_name());
  }
  EXPECT_TRUE(opens->pin_name());
}

TEST_F(PinnedName, IsForgottenWithItsGate) {
  const auto replaces = come();
  {
    const auto opens = come();
    EXPECT_TRUE(opens->pin_name());
  }
  EXPECT_TRUE(replaces->claim_name());
}

TEST_F(PinnedName, KeepsNobodyFromTheGate) {
  const auto one = come();
  const auto other = come();
  EXPECT_TRUE(one->pin_name());
  const auto claim = Claim::of_this_thread("test", std::source_location::current());
  EXPECT_EQ(other->take(claim, Deadline::after(std::chrono::seconds(0))), Wait::Granted);
}

}  // namespace
}  // namespace turnstile::gate
