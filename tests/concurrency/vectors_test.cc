// Searches, upserts and rebuilds of one collection at the same time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "support/held.h"
#include "support/interleaving.h"
#include "support/vector_database.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Floats = std::vector<float>;

class ConcurrentVectors : public testing::TestWithParam<VectorStorage> {
 protected:
  ConcurrentVectors() { put(0, 300); }

  void put(int from, int to) const {
    RandomVectors random(static_cast<std::uint64_t>(from), VectorElement::Float32, 32);
    std::vector<VectorItem> items;
    for (int i = from; i < to; ++i)
      items.push_back({.id = std::to_string(i), .vector = random.next()});
    things_.upsert(items);
  }

  const VectorDatabase db_;
  const VectorCollection things_ = db_.create({.dimension = 32, .storage = GetParam()});
  const Floats query_ = RandomVectors(99, VectorElement::Float32, 32).next();
};

// VEC-08: no search waits for another one.
TEST_P(ConcurrentVectors, AreSearchedByTwoAtTheSameMoment) {
  AtPoint searching("find_nearest:searches", 2);
  const auto search = [this] { return ids_of(things_.search(query_)); };
  auto first = std::async(std::launch::async, search);
  auto second = std::async(std::launch::async, search);
  searching.wait_until_reached(2);  // Both are inside.
  searching.release();
  EXPECT_EQ(first.get(), second.get());
}

// VEC-08: no search waits for an upsert, and it sees all of it or nothing.
TEST_P(ConcurrentVectors, AreSearchedInTheMiddleOfAnUpsert) {
  const auto before = things_.search(query_);
  HeldWrite upsert(db_.lane(), [this](WriteTx& tx) {
    things_.upsert(tx, std::vector<VectorItem>{{.id = "new", .vector = query_}});
  });
  EXPECT_EQ(things_.search(query_), before);
  upsert.let_go();
  EXPECT_EQ(things_.search(query_).front().id, "new");
}

TEST_P(ConcurrentVectors, OfOneSearchAreOfOneMoment) {
  AtPoint searching("find_nearest:searches", 1);
  auto search = std::async(std::launch::async,
                           [this] { return ids_of(things_.search(query_, {.limit = 2})); });
  searching.wait_until_reached();
  const auto wanted = ids_of(
      db_.lane().read([this](ReadTx& tx) { return things_.search(tx, query_, {.limit = 2}); }));
  things_.remove(wanted);
  searching.release();
  EXPECT_EQ(search.get(), wanted);
}

// Every pair of items is written in one batch and found in one search, while all of it goes on.
TEST_P(ConcurrentVectors, AreConsistentUnderLoad) {
  constexpr int kWriters = 2;
  constexpr int kRounds = 60;
  std::atomic<int> searches{0};
  std::vector<std::chrono::microseconds> times;
  {
    std::vector<std::jthread> writers;
    for (int writer = 0; writer < kWriters; ++writer) {
      writers.emplace_back([this, writer] {
        for (int round = 0; round < kRounds; ++round) {
          const std::string name = std::to_string(writer) + "-" + std::to_string(round % 7);
          if (round % 5 == 4) {
            things_.remove(std::vector<std::string>{name + "a", name + "b"});
          } else {
            things_.upsert(std::vector<VectorItem>{{.id = name + "a", .vector = query_},
                                                   {.id = name + "b", .vector = query_}});
          }
        }
      });
    }
    const std::jthread rebuilder([this](const std::stop_token& stop) {
      while (!stop.stop_requested() && !testing::Test::HasFailure())
        things_.rebuild({.stop = stop});
    });
    const std::jthread searcher([&](const std::stop_token& stop) {
      do {
        const auto begun = std::chrono::steady_clock::now();
        const auto found = things_.search(query_, {.limit = 100, .max_distance = 1e-6});
        times.push_back(std::chrono::duration_cast<std::chrono::microseconds>(
            std::chrono::steady_clock::now() - begun));
        for (const VectorMatch& match : found) {
          const std::string other =
              match.id.substr(0, match.id.size() - 1) + (match.id.back() == 'a' ? "b" : "a");
          EXPECT_TRUE(std::ranges::any_of(found, [&](const VectorMatch& each) {
            return each.id == other;
          })) << match.id;
        }
        ++searches;
      } while (!stop.stop_requested() && !testing::Test::HasFailure());
    });
    for (auto& writer : writers)
      writer.join();
  }
  EXPECT_GT(searches, 0);
  EXPECT_THAT(things_.check(), IsEmpty());
  std::ranges::sort(times);
  RecordProperty("search_p99_us", static_cast<int>(times[times.size() * 99 / 100].count()));
}

TEST_P(ConcurrentVectors, LetOthersWriteBetweenTwoStepsOfARebuild) {
  put(1000, 3000);
  std::vector<std::string> removed;
  for (int i = 1000; i < 3000; ++i)
    if (i % 5 != 0) removed.push_back(std::to_string(i));
  things_.remove(removed);
  std::future<VectorRebuild> rebuild;
  AtPoint between("VectorCollection::rebuild:step", 1);  // Lets go also when this test fails.
  rebuild = std::async(std::launch::async, [this] { return things_.rebuild(); });
  between.wait_until_reached();
  db_.lane().write([](WriteTx& tx) { tx.execute("CREATE TABLE meanwhile(x)"); });
  EXPECT_THAT(things_.check(), IsEmpty());
  between.release();
  EXPECT_TRUE(rebuild.get().complete);
  EXPECT_THAT(things_.check(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(In, ConcurrentVectors, testing::ValuesIn(vector_storages()),
                         [](const auto& storage) {
                           return storage.param == VectorStorage::Packed ? "Packed" : "SqliteVec";
                         });

}  // namespace
}  // namespace turnstile::test
