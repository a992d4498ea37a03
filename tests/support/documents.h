// A database of documents with a text index over them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/temp_dir.h"
#include "turnstile/text.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {

[[nodiscard]] inline Migrations document_schema() {
  return {{1, "documents",
           "CREATE TABLE folder(id INTEGER PRIMARY KEY);"
           "CREATE TABLE doc(id INTEGER PRIMARY KEY, path TEXT UNIQUE, title TEXT, body TEXT, "
           "category TEXT, seen INTEGER NOT NULL DEFAULT 0, "
           "folder INTEGER REFERENCES folder ON DELETE CASCADE)"}};
}

[[nodiscard]] inline Options with_documents(Options options = {}) {
  options.migrations = document_schema();
  return options;
}

[[nodiscard]] inline TextIndexOptions document_index() {
  return {.name = "doc_text",
          .table = "doc",
          .columns = {{"title", 2.0}, {"body"}},
          .filters = {"category", "seen"}};
}

/// An open database, gone with this object. Threads: as Database.
class Documents {
 public:
  explicit Documents(Options options = {})
      : database_(Database::open(file(), with_documents(std::move(options)))) {}

  [[nodiscard]] std::string file() const { return directory_.file("documents.db"); }
  [[nodiscard]] Database& operator*() noexcept { return database_; }
  [[nodiscard]] Lane lane() const { return database_.lane("documents"); }
  [[nodiscard]] TextIndex index(TextIndexOptions options = document_index()) const {
    return {lane(), std::move(options)};
  }

  void run(std::string_view sql) const {
    lane().write([sql](WriteTx& tx) { tx.execute_script(sql); });
  }
  /// Inserts a document; its key.
  std::int64_t add(std::string_view body, std::string_view category = "note") const {
    return lane().write([&](WriteTx& tx) {
      return tx.execute("INSERT INTO doc(body, category) VALUES (?, ?)", body, category)
          .last_insert_rowid;
    });
  }
  /// The only value of a query.
  template <class T>
  [[nodiscard]] T ask(std::string_view sql) const {
    return lane().read([sql](ReadTx& tx) { return tx.query<T>(sql).one(); });
  }

 private:
  TempDir directory_;
  Database database_;
};

/// The keys of the hits, in their order.
[[nodiscard]] inline std::vector<std::int64_t> keys_of(const std::vector<TextHit>& hits) {
  std::vector<std::int64_t> keys;
  for (const TextHit& hit : hits)
    keys.push_back(hit.key);
  return keys;
}

[[nodiscard]] inline std::vector<std::int64_t> found(const TextIndex& index, std::string_view query,
                                                     const TextSearch& options = {}) {
  return keys_of(index.search(query, options));
}

}  // namespace turnstile::test
