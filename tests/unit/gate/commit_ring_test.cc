#include "gate/commit_ring.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>

namespace turnstile::gate {
namespace {

CommittedTables tables_of(std::initializer_list<std::uint32_t> hashes) {
  CommittedTables tables;
  for (const std::uint32_t hash : hashes)
    tables.add(hash);
  return tables;
}

/// As in a new page: all zero. Threads: confined.
class Ring : public testing::Test {
 protected:
  const std::unique_ptr<CommitRing> ring_ = std::make_unique<CommitRing>();
  const CommitRing::Keys nothing_stale_{};
  std::uint64_t stamp_ = 0;
};

TEST_F(Ring, HasNothingAtFirst) {
  for (std::uint32_t commit = 0; commit < 3 * CommitRing::kEntries; ++commit)
    EXPECT_FALSE(ring_->find(commit, nothing_stale_)) << commit;
}

TEST_F(Ring, GivesWhatWasPublished) {
  for (std::uint32_t commit = 1; commit <= CommitRing::kEntries; ++commit)
    ring_->publish(commit, tables_of({commit, 4711}), ++stamp_);
  for (std::uint32_t commit = 1; commit <= CommitRing::kEntries; ++commit)
    EXPECT_EQ(ring_->find(commit, nothing_stale_), tables_of({commit, 4711})) << commit;
}

TEST_F(Ring, KeepsTheLastOnes) {
  ring_->publish(7, tables_of({1}), ++stamp_);
  ring_->publish(7 + CommitRing::kEntries, tables_of({2}), ++stamp_);
  EXPECT_FALSE(ring_->find(7, nothing_stale_));
  EXPECT_EQ(ring_->find(7 + CommitRing::kEntries, nothing_stale_), tables_of({2}));
}

TEST_F(Ring, TellsACommitThatTouchedNothingFromOneThatIsNotThere) {
  ring_->publish(0, {}, ++stamp_);
  EXPECT_EQ(ring_->find(0, nothing_stale_), CommittedTables());
}

TEST_F(Ring, TakesManyTablesForAllTables) {
  ring_->publish(1, tables_of({1, 2, 3, 4, 5, 6}), ++stamp_);
  EXPECT_FALSE(ring_->find(1, nothing_stale_)->everything());
  ring_->publish(2, tables_of({1, 2, 3, 4, 5, 6, 7}), ++stamp_);
  EXPECT_TRUE(ring_->find(2, nothing_stale_)->everything());
}

TEST_F(Ring, DoesNotCountWhatWasThereBefore) {
  ring_->publish(5, tables_of({1}), ++stamp_);
  const CommitRing::Keys stale = ring_->keys();
  EXPECT_FALSE(ring_->find(5, stale));
  ring_->publish(5, tables_of({1}), ++stamp_);
  EXPECT_EQ(ring_->find(5, stale), tables_of({1}));
}

TEST_F(Ring, TakesAnEntryForNoneWhoseContentIsOfAnother) {
  ring_->publish(1, tables_of({1, 2, 3}), ++stamp_);
  // What a process leaves that was killed while it wrote over the entry of another commit.
  std::uint64_t word = 0;
  char* const table = reinterpret_cast<char*>(ring_.get()) + 40 + 2 * sizeof word;
  std::memcpy(&word, table, sizeof word);
  ++word;
  std::memcpy(table, &word, sizeof word);
  EXPECT_FALSE(ring_->find(1, nothing_stale_));
}

}  // namespace
}  // namespace turnstile::gate
