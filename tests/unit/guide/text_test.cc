// The examples of docs/guide/text.md; guide_test.cc compares them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "support/temp_dir.h"
#include "turnstile/knowledge.h"
#include "turnstile/text.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

class GuideToText : public testing::Test {
 protected:
  static Options schema() {
    return {.migrations = {{1, "tables",
                            "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT, body TEXT, "
                            "category TEXT)"}}};
  }

  TempDir directory_;
  const Database database_ = Database::open(directory_.file("app.db"), schema());
  const Lane notes = database_.lane("notes");
  const Lane bulk = database_.lane("bulk", {.priority = Priority::Bulk});
};

TEST_F(GuideToText, ShowsHowToSearch) {
  const turnstile::TextIndex index(notes, {.name = "note_text",
                                           .table = "note",
                                           .columns = {{"title", 2.0}, {"body"}},
                                           .filters = {"category"}});
  notes.write([](WriteTx& tx) {
    tx.execute("INSERT INTO note(title, category) VALUES ('milk and coffee', 'fact')");
    tx.execute("INSERT INTO note(title, category) VALUES ('tea', 'rule')");
  });
  std::vector<std::int64_t> shown;
  const auto show = [&](std::int64_t key, double) { shown.push_back(key); };
  const std::string typed = "Tea!";
  for (const turnstile::TextHit& hit : index.search(typed))
    show(hit.key, hit.score);
  EXPECT_THAT(shown, ElementsAre(2));

  turnstile::TextSearch options{
      .limit = 5,
      .filters = {{.column = "category", .any_of = {"fact", "rule"}}},
      .snippet = turnstile::TextSnippet{.before = "<b>", .after = "</b>"}};
  options.operators = true;  // `a b OR c NOT d`
  const auto hits = index.search("milk OR tea NOT coffee", options);
  EXPECT_THAT(hits, SizeIs(2));

  const std::string title = "tea";
  const std::string body = "leaves";
  std::vector<TextHit> similar;
  notes.write([&](turnstile::WriteTx& tx) {
    tx.execute("INSERT INTO note(title, body, category) VALUES (?, ?, 'fact')", title, body);
    similar = index.search(tx, title);
  });
  EXPECT_THAT(similar, SizeIs(2));
}

TEST_F(GuideToText, ShowsHowToBuildAnIndex) {
  notes.write([](WriteTx& tx) { tx.execute("INSERT INTO note(title) VALUES ('tea')"); });
  const TextIndex index(notes, {.name = "note_text", .table = "note", .columns = {{"title"}}});
  if (index.needs_rebuild()) index.rebuild({.lane = bulk});
  EXPECT_EQ(index.search("tea").at(0).source, TextSource::Fts5);
}

TEST_F(GuideToText, ShowsAKnowledgeStore) {
  const turnstile::KnowledgeStore store(notes);
  store.save("coffee", "rule", "never after noon");
  store.save("coffee", "rule", "never after four");  // version 2
  const auto found = store.search("noon OR four", {.categories = {"rule"}, .operators = true});
  const auto history = store.history("coffee");  // version 2, then version 1
  EXPECT_THAT(found, SizeIs(1));
  EXPECT_THAT(history, SizeIs(2));
}

}  // namespace
}  // namespace turnstile::test
