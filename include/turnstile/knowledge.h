// Entries of text with a key, a category and a history, found by their words.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/lane.h"
#include "turnstile/text.h"

namespace turnstile {

/// Threads: immutable.
struct KnowledgeOptions {
  /// Of the index; one that was made with another needs text().rebuild().
  TextTokenizer tokenizer = TextTokenizer::Unicode;
  /// The time of what is saved.
  std::function<std::chrono::system_clock::time_point()> now = std::chrono::system_clock::now;
};

/// An entry as it is now. Threads: immutable.
struct KnowledgeEntry {
  std::string key{};
  std::int64_t version = 0;  ///< 1 when it was made, and one more with each change.
  std::string category{};
  std::string content{};
  std::int64_t uses = 0;  ///< Calls of count_use(), of all versions.
  std::chrono::system_clock::time_point created_at{};
  std::chrono::system_clock::time_point saved_at{};  ///< This version.
};

/// A former or the present state of an entry. Threads: immutable.
struct KnowledgeVersion {
  std::int64_t version = 0;
  std::string category{};
  std::string content{};
  std::chrono::system_clock::time_point saved_at{};
};

/// What save() did. Threads: immutable.
struct KnowledgeSaved {
  std::int64_t version = 0;  ///< The entry's.
  bool added = false;        ///< False: the entry was like that already.
};

/// An entry that was found. Threads: immutable.
struct KnowledgeHit {
  KnowledgeEntry entry{};
  double score = 0;  ///< Higher is better. Compares within one search only.
  std::string snippet{};
  TextSource source = TextSource::Fts5;
};

/// How to search. Threads: immutable.
struct KnowledgeSearch {
  std::size_t limit = 10;                 ///< The most hits, 1 to 1000.
  std::vector<std::string> categories{};  ///< One of these; empty: any.
  bool operators = false;                 ///< As TextSearch::operators.
  std::optional<TextSnippet> snippet{};   ///< Of the column `content`.
};

/// Which entries; of what is given all must hold. Threads: immutable.
struct KnowledgeSelection {
  std::optional<std::string> category{};
  std::optional<std::chrono::system_clock::time_point> saved_before{};
};

/// A store of versioned entries, in the tables `knowledge` and `knowledge_version` and the text
/// index `knowledge_text` over keys and contents of the present versions.
///
/// A call with a transaction is part of it; one without makes its own. Copies are the same store.
/// All calls throw what Lane's calls throw.
///
/// Threads: shared.
class KnowledgeStore {
 public:
  explicit KnowledgeStore(Lane lane, KnowledgeOptions options = {},  ///< Makes its tables.
                          std::source_location where = std::source_location::current());

  /// Makes the entry, or its next version. What the entry has already, category and content both,
  /// adds none.
  KnowledgeSaved save(std::string_view key, std::string_view category, std::string_view content,
                      std::source_location where = std::source_location::current()) const;
  KnowledgeSaved save(WriteTx& tx, std::string_view key, std::string_view category,
                      std::string_view content) const;

  /// Throws Error (KNOWLEDGE_NOT_FOUND).
  [[nodiscard]] KnowledgeEntry get(
      std::string_view key, std::source_location where = std::source_location::current()) const;
  [[nodiscard]] KnowledgeEntry get(ReadTx& tx, std::string_view key) const;
  [[nodiscard]] std::optional<KnowledgeEntry> find(  ///< Nothing when there is none.
      std::string_view key, std::source_location where = std::source_location::current()) const;
  [[nodiscard]] std::optional<KnowledgeEntry> find(ReadTx& tx, std::string_view key) const;

  /// All versions, the present one first. Throws Error (KNOWLEDGE_NOT_FOUND).
  [[nodiscard]] std::vector<KnowledgeVersion> history(
      std::string_view key, std::source_location where = std::source_location::current()) const;
  [[nodiscard]] std::vector<KnowledgeVersion> history(ReadTx& tx, std::string_view key) const;

  /// Adds one to KnowledgeEntry::uses; no new version. False: there is no such entry.
  bool count_use(std::string_view key,
                 std::source_location where = std::source_location::current()) const;
  bool count_use(WriteTx& tx, std::string_view key) const;

  /// The entries whose key or content matches, as TextIndex::search() has it; a match in the key
  /// counts twice.
  [[nodiscard]] std::vector<KnowledgeHit> search(
      std::string_view query, const KnowledgeSearch& options = {},
      std::source_location where = std::source_location::current()) const;
  [[nodiscard]] std::vector<KnowledgeHit> search(ReadTx& tx, std::string_view query,
                                                 const KnowledgeSearch& options = {}) const;

  /// Removes an entry with its history. False: there is no such entry.
  bool remove(std::string_view key,
              std::source_location where = std::source_location::current()) const;
  bool remove(WriteTx& tx, std::string_view key) const;

  /// Removes the selected entries with their history; returns how many. Throws MisuseError
  /// (FILTER_REQUIRED) for a selection that says nothing.
  std::int64_t remove_all(const KnowledgeSelection& selection,
                          std::source_location where = std::source_location::current()) const;
  std::int64_t remove_all(WriteTx& tx, const KnowledgeSelection& selection) const;

  /// The index, for its upkeep.
  [[nodiscard]] const TextIndex& text() const noexcept { return text_; }

 private:
  Lane lane_;
  KnowledgeOptions options_;
  TextIndex text_;
};

}  // namespace turnstile
