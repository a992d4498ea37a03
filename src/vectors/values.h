// Values of columns, checked against the types that the collection declares.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/vectors.h"

namespace turnstile::vectors {

/// The value as the column stores it, an integer in a Real column being a real number there;
/// nothing when it is of another type, or not finite, or no UTF-8.
[[nodiscard]] std::optional<Value> stored_value(VectorColumnType type, const Value& value);

/// What was given instead, for a message: `an integer`, `a text that is not UTF-8`.
[[nodiscard]] std::string_view describe(const Value& value);

/// What is wrong with an item's id, payload or columns, as a clause; empty when nothing is.
[[nodiscard]] std::string why_unfit(const std::vector<VectorColumn>& columns,
                                    const VectorItem& item);

/// The values of a fit item in the order of the columns.
[[nodiscard]] std::vector<Value> in_order(const std::vector<VectorColumn>& columns,
                                          const VectorValues& values);

}  // namespace turnstile::vectors
