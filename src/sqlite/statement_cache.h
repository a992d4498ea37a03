#pragma once

#include <cstddef>
#include <list>
#include <string_view>
#include <unordered_map>

#include "sqlite/statement_entry.h"

namespace turnstile::sqlite {

/// The prepared statements of one connection by their text, bounded: the least recently used idle
/// one goes first. Statements that are in use are never dropped and may exceed the bound.
///
/// Threads: confined.
class StatementCache {
 public:
  using Entry = detail::StatementEntry;

  StatementCache(Connection& connection, std::size_t capacity);
  ~StatementCache();  // Finalizes all; none may be in use.
  StatementCache(const StatementCache&) = delete;
  StatementCache& operator=(const StatementCache&) = delete;

  /// An idle entry for `sql`, prepared if there is none. Throws what SQLite says of the text, and
  /// MisuseError for text without a statement or with more than one.
  [[nodiscard]] Entry& take(std::string_view sql);
  void give_back(Entry& entry) noexcept;

  /// Takes every entry in use back from its user. Returns how many still had an execution open.
  int reclaim() noexcept;
  /// The same, and finalizes all.
  void clear() noexcept;

  /// Prepared statements, in use or idle.
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  /// A new entry, in use. `cached`: for later calls too.
  [[nodiscard]] Entry& prepare(std::string_view sql, bool cached);
  void evict_one() noexcept;
  void drop(Entry& entry) noexcept;

  Connection& connection_;
  const std::size_t capacity_;
  std::list<Entry> entries_;  // Most recently used first.
  std::list<Entry> spare_;    // Finalized; see StatementEntry for why they are kept.
  std::unordered_map<std::string_view, Entry*> by_sql_;  // Views of Entry::sql; idle or in use.
  int in_use_ = 0;
};

}  // namespace turnstile::sqlite
