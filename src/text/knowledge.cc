#include "turnstile/knowledge.h"

#include <tuple>
#include <utility>

#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile {

namespace {

using Time = std::chrono::system_clock::time_point;

// The present version is a row of its own, so that there is one of each key by the schema, and that
// only it is searched. The other table has the former ones.
constexpr std::string_view kSchema =
    "CREATE TABLE knowledge(id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, "
    "version INTEGER NOT NULL, category TEXT NOT NULL, content TEXT NOT NULL, "
    "uses INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL, saved_at INTEGER NOT NULL) "
    "STRICT;"
    "CREATE INDEX knowledge_category ON knowledge(category);"
    "CREATE TABLE knowledge_version(entry INTEGER NOT NULL REFERENCES knowledge ON DELETE CASCADE, "
    "version INTEGER NOT NULL, category TEXT NOT NULL, content TEXT NOT NULL, "
    "saved_at INTEGER NOT NULL, UNIQUE (entry, version)) STRICT;";

/// The lane, when the tables are there.
const Lane& with_tables(const Lane& lane, std::source_location where) {
  (void)lane.migrate("knowledge", {{1, "entries", std::string(kSchema)}}, {}, where);
  return lane;
}

std::optional<KnowledgeEntry> entry_where(ReadTx& tx, std::string_view condition,
                                          const Value& value) {
  auto row =
      tx.query<std::string, std::int64_t, std::string, std::string, std::int64_t, Time, Time>(
            "SELECT key, version, category, content, uses, created_at, saved_at FROM "
            "knowledge WHERE " +
                std::string(condition),
            value)
          .first();
  if (!row) return std::nullopt;
  return std::make_from_tuple<KnowledgeEntry>(std::move(*row));
}

[[noreturn]] void raise_not_found(const ReadTx& tx, std::string_view key) {
  Error::Details details;
  details.code = code("KNOWLEDGE_NOT_FOUND");
  details.message = "there is no entry '" + std::string(key) + "'";
  details.lane = tx.lane();
  throw Error(std::move(details));
}

/// ` WHERE ...`; its parameters are the category and the time, by name.
std::string condition_of(const KnowledgeSelection& selection) {
  std::string condition = " WHERE TRUE";
  if (selection.category) condition += " AND category = :category";
  if (selection.saved_before) condition += " AND saved_at < :saved_before";
  return condition;
}

std::int64_t execute(WriteTx& tx, const std::string& sql, const KnowledgeSelection& selection) {
  Statement statement = tx.prepare(sql);
  if (selection.category) statement.bind(":category", *selection.category);
  if (selection.saved_before) statement.bind(":saved_before", *selection.saved_before);
  statement.step();
  return statement.result().changes;
}

}  // namespace

KnowledgeStore::KnowledgeStore(Lane lane, KnowledgeOptions options, std::source_location where)
    : lane_(std::move(lane)),
      options_(std::move(options)),
      text_(with_tables(lane_, where),
            {.name = "knowledge_text",
             .table = "knowledge",
             .columns = {{"key", 2.0}, {"content"}},
             .filters = {"category"},
             .tokenizer = options_.tokenizer},
            where) {}

KnowledgeSaved KnowledgeStore::save(std::string_view key, std::string_view category,
                                    std::string_view content, std::source_location where) const {
  return lane_.write([&](WriteTx& tx) { return save(tx, key, category, content); }, where);
}

KnowledgeSaved KnowledgeStore::save(WriteTx& tx, std::string_view key, std::string_view category,
                                    std::string_view content) const {
  const Time now = options_.now();
  const auto found =
      tx.query<std::int64_t, std::int64_t, bool>(
            "SELECT id, version, category = ? AND content = ? FROM knowledge WHERE key = ?",
            category, content, key)
          .first();
  if (!found) {
    tx.execute(
        "INSERT INTO knowledge(key, version, category, content, created_at, saved_at) "
        "VALUES (?, 1, ?, ?, ?, ?)",
        key, category, content, now, now);
    return {.version = 1, .added = true};
  }
  const auto [id, version, is_same] = *found;
  if (is_same) return {.version = version};
  tx.execute(
      "INSERT INTO knowledge_version(entry, version, category, content, saved_at) "
      "SELECT id, version, category, content, saved_at FROM knowledge WHERE id = ?",
      id);
  tx.execute(
      "UPDATE knowledge SET version = version + 1, category = ?, content = ?, saved_at = ? "
      "WHERE id = ?",
      category, content, now, id);
  return {.version = version + 1, .added = true};
}

KnowledgeEntry KnowledgeStore::get(std::string_view key, std::source_location where) const {
  return lane_.read([&](ReadTx& tx) { return get(tx, key); }, where);
}

KnowledgeEntry KnowledgeStore::get(ReadTx& tx, std::string_view key) const {
  std::optional<KnowledgeEntry> entry = find(tx, key);
  if (!entry) raise_not_found(tx, key);
  return std::move(*entry);
}

std::optional<KnowledgeEntry> KnowledgeStore::find(std::string_view key,
                                                   std::source_location where) const {
  return lane_.read([&](ReadTx& tx) { return find(tx, key); }, where);
}

std::optional<KnowledgeEntry> KnowledgeStore::find(ReadTx& tx, std::string_view key) const {
  return entry_where(tx, "key = ?", std::string(key));
}

std::vector<KnowledgeVersion> KnowledgeStore::history(std::string_view key,
                                                      std::source_location where) const {
  return lane_.read([&](ReadTx& tx) { return history(tx, key); }, where);
}

std::vector<KnowledgeVersion> KnowledgeStore::history(ReadTx& tx, std::string_view key) const {
  std::vector<KnowledgeVersion> versions;
  for (auto&& row : tx.query<std::int64_t, std::string, std::string, Time>(
           "SELECT version, category, content, saved_at FROM knowledge WHERE key = ?1 UNION ALL "
           "SELECT v.version, v.category, v.content, v.saved_at FROM knowledge_version AS v "
           "JOIN knowledge AS k ON k.id = v.entry WHERE k.key = ?1 ORDER BY version DESC",
           key))
    versions.push_back(std::make_from_tuple<KnowledgeVersion>(std::move(row)));
  if (versions.empty()) raise_not_found(tx, key);
  return versions;
}

bool KnowledgeStore::count_use(std::string_view key, std::source_location where) const {
  return lane_.write([&](WriteTx& tx) { return count_use(tx, key); }, where);
}

bool KnowledgeStore::count_use(WriteTx& tx, std::string_view key) const {
  return tx.execute("UPDATE knowledge SET uses = uses + 1 WHERE key = ?", key).changes == 1;
}

std::vector<KnowledgeHit> KnowledgeStore::search(std::string_view query,
                                                 const KnowledgeSearch& options,
                                                 std::source_location where) const {
  return lane_.read([&](ReadTx& tx) { return search(tx, query, options); }, where);
}

std::vector<KnowledgeHit> KnowledgeStore::search(ReadTx& tx, std::string_view query,
                                                 const KnowledgeSearch& options) const {
  TextSearch search{
      .limit = options.limit, .operators = options.operators, .snippet = options.snippet};
  if (search.snippet) search.snippet->column = "content";
  if (!options.categories.empty())
    search.filters = {{"category", {options.categories.begin(), options.categories.end()}}};
  std::vector<KnowledgeHit> hits;
  for (TextHit& hit : text_.search(tx, query, search)) {
    auto entry = entry_where(tx, "id = ?", hit.key);
    hits.push_back({*std::move(entry), hit.score, std::move(hit.snippet), hit.source});
  }
  return hits;
}

bool KnowledgeStore::remove(std::string_view key, std::source_location where) const {
  return lane_.write([&](WriteTx& tx) { return remove(tx, key); }, where);
}

// The history by itself too: foreign keys may be switched off.
bool KnowledgeStore::remove(WriteTx& tx, std::string_view key) const {
  tx.execute(
      "DELETE FROM knowledge_version WHERE entry IN (SELECT id FROM knowledge WHERE key = ?)", key);
  return tx.execute("DELETE FROM knowledge WHERE key = ?", key).changes == 1;
}

std::int64_t KnowledgeStore::remove_all(const KnowledgeSelection& selection,
                                        std::source_location where) const {
  return lane_.write([&](WriteTx& tx) { return remove_all(tx, selection); }, where);
}

std::int64_t KnowledgeStore::remove_all(WriteTx& tx, const KnowledgeSelection& selection) const {
  if (!selection.category && !selection.saved_before) {
    sqlite::raise_misuse(code("FILTER_REQUIRED"),
                         "remove_all() was called with neither a category nor a time",
                         {.lane = tx.lane()});
  }
  const std::string where = condition_of(selection);
  execute(tx,
          "DELETE FROM knowledge_version WHERE entry IN (SELECT id FROM knowledge" + where + ")",
          selection);
  return execute(tx, "DELETE FROM knowledge" + where, selection);
}

}  // namespace turnstile
