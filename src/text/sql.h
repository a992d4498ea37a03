// Texts of SQL that are put together from names and values that the application gives.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "sqlite/quote.h"
#include "turnstile/statement.h"
#include "turnstile/value.h"

namespace turnstile::text {

using sqlite::sql_name;

/// Values in the order of their places in a statement. Threads: confined.
class Parameters {
 public:
  /// The place of `value` in the text: `?1`, `?2`, ...
  [[nodiscard]] std::string add(Value value) {
    values_.push_back(std::move(value));
    return "?" + std::to_string(values_.size());
  }
  void bind_to(Statement& statement) const {
    for (std::size_t i = 0; i < values_.size(); ++i)
      statement.bind(static_cast<int>(i) + 1, values_[i]);
  }

 private:
  std::vector<Value> values_;
};

}  // namespace turnstile::text
