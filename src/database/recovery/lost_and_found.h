// The table for rows whose place is not known, or that have been refused there.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "database/recovery/destination.h"
#include "database/recovery/record.h"

namespace turnstile::database::recovery {

struct LostRow {
  std::string_view table;   // Empty: not known.
  std::string_view reason;  // Empty where the table is not known.
  PageNumber root = 0;      // Of the tree it is from.
  PageNumber page = 0;
  std::optional<std::int64_t> rowid;
};

/// Made with the first row, and wide enough for the widest. Threads: confined.
class LostAndFound {
 public:
  explicit LostAndFound(Destination& destination) : destination_(destination) {}

  void add(const LostRow& row, std::span<const Field> fields);

  /// No add() after it; to be called before the connection closes.
  void end() noexcept { statements_.clear(); }

  [[nodiscard]] std::uint64_t rows() const noexcept { return rows_; }
  /// Empty while there is none.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  void make_table();
  void widen(std::size_t fields);
  [[nodiscard]] RawStatement prepare(std::size_t fields);

  Destination& destination_;
  std::string name_;
  std::size_t width_ = 0;
  std::uint64_t rows_ = 0;
  std::map<std::size_t, RawStatement> statements_;  // By the number of fields.
};

}  // namespace turnstile::database::recovery
