// Which tables a transaction has written to. What a statement writes is known when it is prepared;
// here is collected which of them ran and changed something.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace turnstile::sqlite {

/// A table's name as 32 bits, alike for all spellings that SQLite takes for the same; never 0.
[[nodiscard]] std::uint32_t hash_of_table(std::string_view name) noexcept;

/// The tables that one statement writes. Threads: immutable.
struct TableSet {
  struct Table {
    std::string name;
    std::uint32_t hash;
  };
  std::vector<Table> tables;

  /// Null when there are none.
  [[nodiscard]] static std::shared_ptr<const TableSet> of(std::vector<std::string> names);
};

/// Adds `name` to `names` unless it is there.
void add_name(std::vector<std::string>& names, std::string_view name);

/// Threads: confined.
class Touched {
 public:
  using Set = std::shared_ptr<const TableSet>;

  void clear() noexcept;
  /// Statements that run in a loop ask each time, and are found at once.
  [[nodiscard]] bool has(const Set& set) const noexcept { return set == last_ || is_among(set); }
  void add(const Set& set) noexcept;
  /// It is not known which.
  void add_everything() noexcept { everything_ = true; }

  [[nodiscard]] bool everything() const noexcept { return everything_; }
  [[nodiscard]] const std::vector<Set>& sets() const noexcept { return sets_; }

  /// What was touched before a part of the transaction, for when that part is undone.
  struct Mark {
    std::size_t sets = 0;
    bool everything = false;
  };
  [[nodiscard]] Mark mark() const noexcept { return {sets_.size(), everything_}; }
  void go_back_to(const Mark& mark) noexcept;

  /// The schema's version before the first statement that may have changed it.
  std::optional<std::int64_t> schema_before;

 private:
  [[nodiscard]] bool is_among(const Set& set) const noexcept;

  Set last_;
  std::vector<Set> sets_;
  bool everything_ = false;
};

}  // namespace turnstile::sqlite
