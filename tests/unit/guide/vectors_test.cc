// The examples of docs/guide/vectors.md; guide_test.cc compares them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/child_process.h"
#include "support/temp_dir.h"
#include "turnstile/embedding_buffer.h"
#include "turnstile/turnstile.h"
#include "turnstile/vectors.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;

struct Model {
  [[nodiscard]] std::vector<std::vector<float>> embed(std::span<const std::string> texts) const {
    return std::vector<std::vector<float>>(texts.size(), {1, 0, 0, 0});
  }
};

class GuideToVectors : public testing::Test {
 protected:
  TempDir directory_;
  Database database = Database::open(
      directory_.file("app.db"),
      {.migrations = {{1, "notes", "CREATE TABLE note(id TEXT PRIMARY KEY, text TEXT)"}}});
  const Lane lane = database.lane("notes");
};

TEST_F(GuideToVectors, ShowsACollectionAndItsUse) {
  const turnstile::VectorStore store(database.lane("vectors"));
  const turnstile::VectorCollection notes =
      store.open_or_create("notes", {.dimension = 4,
                                     .model = "tiny-embedder-v1",
                                     .columns = {{"lang", turnstile::VectorColumnType::Text},
                                                 {"year", turnstile::VectorColumnType::Integer}}});
  // clang-format off
  notes.upsert(std::vector<turnstile::VectorItem>{
      {.id = "n1", .vector = {0.9F, 0.1F, 0, 0}, .values = {{"lang", "de"}, {"year", 2021}}},
      {.id = "n2", .vector = {0.8F, 0.3F, 0, 0}, .values = {{"lang", "en"}, {"year", 2019}},
       .payload = R"({"title": "On doors"})"},
  });
  // clang-format on
  EXPECT_EQ(notes.stats().items, 2);

  std::vector<std::string> shown;
  const auto show = [&](const std::string& id, double, const std::string&) { shown.push_back(id); };
  // clang-format off
  const std::vector<float> query{1, 0, 0, 0};
  for (const turnstile::VectorMatch& match :
       notes.search(query, {.limit = 10,
                            .where = turnstile::VectorFilter().equal("lang", "de").at_least("year", 2020),
                            .max_distance = 0.4})) {
    show(match.id, match.distance, match.payload);
  }
  const auto recent = turnstile::VectorFilter::parse("lang IN ('de', 'en') AND year BETWEEN 2020 AND 2024");
  // clang-format on
  EXPECT_THAT(shown, ElementsAre("n1"));
  EXPECT_EQ(notes.search(query, {.where = recent}).size(), 1U);

  lane.write([&](turnstile::WriteTx& tx) {
    tx.execute("DELETE FROM note WHERE id = ?", "n2");
    notes.remove(tx, std::vector<std::string>{"n2"});
  });
  EXPECT_EQ(notes.stats().items, 1);
}

TEST_F(GuideToVectors, ShowsABuffer) {
  const VectorCollection notes = VectorStore(lane).create(
      "notes",
      {.dimension = 4,
       .columns = {{"lang", VectorColumnType::Text}, {"year", VectorColumnType::Integer}}});
  const Model model;
  const std::string text = "a note";
  const auto contents_of = [](std::span<const std::string> ids) {
    return std::vector<std::optional<EmbeddingContent>>(ids.size());
  };
  // clang-format off
  turnstile::EmbeddingBuffer buffer(
      notes, [&](std::span<const std::string> texts) { return model.embed(texts); },
      [&](std::span<const std::string> ids) { return contents_of(ids); });
  buffer.start();

  lane.write([&](turnstile::WriteTx& tx) {
    tx.execute("INSERT INTO note(id, text) VALUES (?, ?)", "n3", text);
    buffer.add(tx, {.id = "n3", .content = {.text = text, .values = {{"lang", "de"}, {"year", 2024}}}});
  });
  // clang-format on
  const auto report = [](std::size_t) { FAIL(); };
  const turnstile::EmbeddingStop stopped = buffer.stop(std::chrono::seconds(5));
  if (!stopped.complete) report(stopped.undone);
  EXPECT_TRUE(notes.get("n3"));
}

}  // namespace
}  // namespace turnstile::test
