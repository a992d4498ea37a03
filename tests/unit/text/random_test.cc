// Random texts as queries, and random transactions, by seed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/documents.h"
#include "support/test_seed.h"
#include "support/test_size.h"

namespace turnstile::test {
namespace {

using testing::IsEmpty;

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(engine_);
  }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class T>
  const auto& of(const T& items) {
    return items[below(std::size(items))];
  }

 private:
  std::mt19937_64 engine_;
};

// Any bytes, all of Unicode, and what is syntax to FTS5, to SQL and to LIKE.
std::string random_text(Random& random) {
  constexpr std::array<std::string_view, 34> kSyntax{
      "\"", "'",    "*",   "(",   ")",    "^",     ":",    "-",      "+",       "{",     "}",  " ",
      " ",  "OR",   "AND", "NOT", "NEAR", "NEAR(", ", 2)", "title:", "title :", "- {",   "\\", "%",
      "_",  "\"\"", "é",   "ß",   "😀",   "\n",    "日本", "rank",   "ROWID",   "a word"};
  std::string text;
  const std::size_t pieces = random.below(12);
  for (std::size_t i = 0; i < pieces; ++i)
    if (random.one_in(4))
      text += static_cast<char>(random.below(256));
    else if (random.one_in(3))
      text += static_cast<char>('a' + random.below(26));
    else
      text += random.of(kSyntax);
  return text;
}

// FTS-06: no text is an error, with any tokenizer, in any mode.
TEST(RandomQuery, IsNeverAnError) {
  Random random(test_seed());
  const Documents documents;
  std::vector<TextIndex> indexes;
  for (const auto tokenizer :
       {TextTokenizer::Unicode, TextTokenizer::Porter, TextTokenizer::Trigram}) {
    TextIndexOptions options = document_index();
    options.name = "text_" + std::to_string(indexes.size());
    options.tokenizer = tokenizer;
    options.prefix = {1, 3};
    indexes.push_back(documents.index(options));
  }
  TextIndexOptions scan = document_index();
  scan.scan_only = true;
  indexes.push_back(documents.index(scan));
  for (int i = 0; i < 50; ++i) {
    std::string body = random_text(random);
    // What is stored is text.
    std::erase_if(body, [](char c) { return static_cast<signed char>(c) <= 0; });
    (void)documents.add(body);
  }
  const int queries = test_size("TURNSTILE_TEST_QUERIES", 3000);
  for (int i = 0; i < queries; ++i) {
    const std::string query = random_text(random);
    TextSearch search{.operators = random.one_in(2)};
    if (random.one_in(3)) search.snippet = TextSnippet{};
    const TextIndex& index = random.of(indexes);
    EXPECT_NO_THROW((void)index.search(query, search)) << testing::PrintToString(query);
    EXPECT_NO_THROW((void)index.count(query, search)) << testing::PrintToString(query);
  }
}

constexpr std::array<std::string_view, 8> kWords{"red", "green", "blue", "one",
                                                 "two", "three", "cat",  "dog"};

std::string random_words(Random& random) {
  std::string words;
  const std::size_t count = random.below(6);
  for (std::size_t i = 0; i < count; ++i)
    words += (words.empty() ? "" : " ") + std::string(random.of(kWords));
  return words;
}

class RandomTransactions {
 public:
  /// Keys are 1 and more, `spacing` apart.
  explicit RandomTransactions(Random& random, std::int64_t spacing = 1)
      : random_(random), spacing_(spacing) {}

  void change(WriteTx& tx) {
    const auto key = static_cast<std::int64_t>(random_.below(40)) * spacing_ + 1;
    const std::string path = "/" + std::to_string(random_.below(30));
    const std::string words = random_words(random_);
    constexpr std::array<std::string_view, 12> kStatements{
        "INSERT OR IGNORE INTO doc(id, path, body) VALUES (?1, ?2, ?3)",
        "INSERT OR REPLACE INTO doc(id, path, body) VALUES (?1, ?2, ?3)",
        "INSERT OR REPLACE INTO doc(path, body) SELECT ?2, ?3 WHERE ?1",
        "INSERT INTO doc(id, path, body) VALUES (?1, ?2, ?3) "
        "ON CONFLICT DO UPDATE SET body = excluded.body, title = path",
        "UPDATE doc SET body = ?3 WHERE id = ?1 OR path = ?2",
        "UPDATE OR REPLACE doc SET path = ?2, body = ?3 WHERE id = ?1",
        "UPDATE OR IGNORE doc SET path = ?2, title = ?3 WHERE id >= ?1",
        "UPDATE OR REPLACE doc SET id = ?1 WHERE path = ?2 AND ?3 <> ''",
        "UPDATE doc SET seen = seen + 1, title = NULL WHERE id % 3 = ?1 % 3 OR ?2 = ?3",
        "DELETE FROM doc WHERE id = ?1 OR path = ?2 OR body = ?3",
        "DELETE FROM doc WHERE id BETWEEN ?1 AND ?1 + 3 AND ?2 <> ?3",
        "REPLACE INTO doc(id, path, body) SELECT id + 1, path, ?3 FROM doc WHERE id = ?1 OR "
        "path = ?2"};
    tx.execute(random_.of(kStatements), key, path, words);
  }

  void run(const Lane& lane) {
    try {
      lane.write([&](WriteTx& tx) {
        const std::size_t parts = 1 + random_.below(4);
        for (std::size_t i = 0; i < parts; ++i)
          part(tx, 0);
        if (random_.one_in(4)) throw std::runtime_error("undo all of it");
      });
    } catch (const std::runtime_error&) {
      return;
    }
  }

 private:
  void part(WriteTx& tx, int depth) {
    Savepoint savepoint = tx.savepoint();
    change(tx);
    if (depth < 3 && random_.one_in(3)) part(tx, depth + 1);
    change(tx);
    if (!random_.one_in(3)) savepoint.release();
  }

  Random& random_;
  const std::int64_t spacing_;
};

// The keys of the rows that have a word, found by looking at each.
std::set<std::int64_t> rows_with(const Documents& documents, std::string_view word) {
  std::set<std::int64_t> keys;
  documents.lane().read([&](ReadTx& tx) {
    for (auto [key, text] : tx.query<std::int64_t, std::string>(
             "SELECT id, ' ' || coalesce(title, '') || ' ' || coalesce(body, '') || ' ' FROM doc"))
      if (text.find(" " + std::string(word) + " ") != std::string::npos) keys.insert(key);
  });
  return keys;
}

// FTS-04: after any transactions, with savepoints and rollbacks, the index is what the table is.
TEST(RandomTransaction, LeavesTheIndexAsTheTableIs) {
  Random random(test_seed());
  const Documents documents;
  const TextIndex index = documents.index();
  RandomTransactions transactions(random);
  const int rounds = test_size("TURNSTILE_TEST_TRANSACTIONS", 400);
  for (int round = 0; round < rounds; ++round) {
    transactions.run(documents.lane());
    if (round % 20 != 0) continue;
    ASSERT_THAT(index.check(), IsEmpty()) << "after round " << round;
    for (const std::string_view word : kWords) {
      const auto keys = found(index, word, {.limit = 1000});
      ASSERT_EQ(std::set<std::int64_t>(keys.begin(), keys.end()), rows_with(documents, word));
    }
  }
}

// FTS-04: the same between the transactions of a rebuild.
TEST(RandomTransaction, LeavesTheIndexAsTheTableIsDuringARebuild) {
  Random random(test_seed());
  const Documents documents;
  documents.run(
      "WITH RECURSIVE c(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM c WHERE n < 4000)"
      "INSERT INTO doc(id, body) SELECT n, 'ballast' FROM c WHERE n % 100 <> 1");
  const TextIndex index = documents.index();
  RandomTransactions transactions(random, 100);
  for (int round = 0; round < 4; ++round) {
    index.rebuild({.progress = [&](const Progress&) { transactions.run(documents.lane()); }});
    ASSERT_THAT(index.check(), IsEmpty()) << "after round " << round;
  }
}

}  // namespace
}  // namespace turnstile::test
