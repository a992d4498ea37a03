// Searches of random collections against a look at every item, one after the other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "support/test_seed.h"
#include "support/vector_database.h"

namespace turnstile::test {
namespace {

using testing::IsEmpty;

struct Case {
  VectorStorage storage;
  VectorElement element;
  VectorMetric metric;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const VectorStorage storage : vector_storages()) {
    for (const VectorElement element : {VectorElement::Float32, VectorElement::Int8}) {
      all.push_back({storage, element, VectorMetric::Cosine});
      all.push_back({storage, element, VectorMetric::L2});
      if (storage == VectorStorage::Packed)
        all.push_back({storage, element, VectorMetric::InnerProduct});
    }
    all.push_back({storage, VectorElement::Bit, VectorMetric::Hamming});
  }
  return all;
}

std::string name_of(const testing::TestParamInfo<Case>& info) {
  std::string name = std::string(to_string(info.param.storage)) + "_" +
                     std::string(to_string(info.param.element)) + "_" +
                     std::string(to_string(info.param.metric));
  std::ranges::replace(name, '-', '_');
  return name;
}

bool holds(const VectorCondition& condition, const Value& value) {
  switch (condition.comparison) {
    case VectorComparison::Equal:
      return value == condition.values[0];
    case VectorComparison::Less:
      return value < condition.values[0];
    case VectorComparison::AtMost:
      return value <= condition.values[0];
    case VectorComparison::Greater:
      return value > condition.values[0];
    case VectorComparison::AtLeast:
      return value >= condition.values[0];
    case VectorComparison::OneOf:
      return std::ranges::count(condition.values, value) > 0;
  }
  return false;
}

class RandomVectorSearches : public testing::TestWithParam<Case> {
 protected:
  static constexpr int kDimension = 24;
  static constexpr int kItems = 400;

  RandomVectorSearches() {
    for (int i = 0; i < kItems; ++i)
      put(i);
    std::vector<std::string> removed;
    for (int i = 0; i < kItems; i += 7) {
      removed.push_back(std::to_string(i));
      items_.erase(removed.back());
    }
    things_.remove(removed);
    for (int i = 0; i < kItems; i += 5)
      put(i);  // Into places that have become free, and anew.
  }

  void put(int number) {
    VectorItem item{.id = std::to_string(number), .vector = random_.next(), .values = values()};
    if (random_.below(4) == 0 && !items_.empty())
      item.vector = items_.begin()->second.vector;  // Equally far as another one.
    things_.upsert({&item, 1});
    items_.insert_or_assign(item.id, item);
  }

  VectorValues values() {
    // Texts on both sides of the twelve bytes that vec0 keeps beside a chunk, some with a NUL.
    using namespace std::string_literals;
    static const std::string kTexts[] = {"",
                                         "a",
                                         "a\0b"s,
                                         "a\0c"s,
                                         "twelve bytes",
                                         "twelve bytes and",
                                         "twelve bytes and more",
                                         "twelve bytes and mor\xC3\xA9",
                                         "twelve bytes and more\0"s,
                                         "z"};
    return {{"part", random_.below(3)},
            {"text", kTexts[random_.below(std::size(kTexts))]},
            {"integer", random_.below(10) - 5},
            {"real", random_.below(8) / 4.0}};
  }

  VectorFilter random_filter() {
    VectorFilter filter;
    for (int i = random_.below(4); i > 0; --i) {
      const VectorValues example = values();
      const auto& [column, value] = *std::next(example.begin(), random_.below(4));
      switch (random_.below(6)) {
        case 0:
          filter.equal(column, value);
          break;
        case 1:
          filter.less(column, value);
          break;
        case 2:
          filter.at_most(column, value);
          break;
        case 3:
          filter.greater(column, value);
          break;
        case 4:
          filter.at_least(column, value);
          break;
        default:
          filter.one_of(column, {value, values().at(column)});
      }
    }
    return filter;
  }

  std::vector<std::string> look_at_every_item(const std::vector<float>& query,
                                              const VectorSearch& search) {
    std::vector<std::tuple<double, std::string>> found;
    for (const auto& [id, item] : items_) {
      const bool fits = std::ranges::all_of(
          search.where.conditions(), [&item = item](const VectorCondition& condition) {
            return holds(condition, item.values.at(condition.column));
          });
      const double distance = exact(query, item.vector);
      if (fits && distance <= search.max_distance.value_or(INFINITY))
        found.emplace_back(distance, id);
    }
    std::ranges::sort(found);
    std::vector<std::string> ids;
    for (const auto& [distance, id] : found)
      if (ids.size() < static_cast<std::size_t>(search.limit)) ids.push_back(id);
    return ids;
  }

  // In double precision sums of other order differ in the last digits; equal vectors do not.
  static double exact(const std::vector<float>& a, const std::vector<float>& b) {
    constexpr double kDigits = 1e12;
    return std::round(plain_distance(GetParam().metric, a, b) * kDigits) / kDigits;
  }

  const VectorDatabase db_;
  RandomVectors random_{test_seed(), GetParam().element, kDimension};
  const VectorCollection things_ =
      db_.create({.dimension = kDimension,
                  .metric = GetParam().metric,
                  .element = GetParam().element,
                  .storage = GetParam().storage,
                  .partition = VectorColumn{"part", VectorColumnType::Integer},
                  .columns = {{"text", VectorColumnType::Text},
                              {"integer", VectorColumnType::Integer},
                              {"real", VectorColumnType::Real}}});
  std::map<std::string, VectorItem> items_;
};

// VEC-05, VEC-10: a recall of 1 with any filter, with and without the extension.
TEST_P(RandomVectorSearches, FindWhatALookAtEveryItemFinds) {
  int found = 0;
  for (int round = 0; round < 100; ++round) {
    VectorSearch search{.limit = 1 + random_.below(20), .where = random_filter()};
    const auto query = random_.next();
    if (random_.below(4) == 0)
      search.max_distance = exact(query, items_.begin()->second.vector) + 1e-9;
    const auto wanted = look_at_every_item(query, search);
    ASSERT_EQ(ids_of(things_.search(query, search)), wanted) << "round " << round;
    found += static_cast<int>(wanted.size());
  }
  EXPECT_GT(found, 200);
  EXPECT_THAT(things_.check(), IsEmpty());
}

TEST_P(RandomVectorSearches, FindTheSameAfterARebuild) {
  std::vector<std::string> removed;
  for (const auto& [id, item] : items_)
    if (random_.below(3) > 0) removed.push_back(id);
  for (const std::string& id : removed)
    items_.erase(id);
  things_.remove(removed);
  const VectorRebuild rebuilt = things_.rebuild();
  EXPECT_LE(rebuilt.blocks_after, rebuilt.blocks_before);
  EXPECT_THAT(things_.check(), IsEmpty());
  for (int round = 0; round < 20; ++round) {
    const auto query = random_.next();
    const VectorSearch search{.limit = 10, .where = random_filter()};
    ASSERT_EQ(ids_of(things_.search(query, search)), look_at_every_item(query, search));
  }
  for (const auto& [id, item] : items_)
    ASSERT_EQ(things_.get(id), item);
}

INSTANTIATE_TEST_SUITE_P(Of, RandomVectorSearches, testing::ValuesIn(cases()), name_of);

}  // namespace
}  // namespace turnstile::test
