// Values for SQL parameters, from -p NAME=VALUE.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/statement.h"
#include "turnstile/value.h"

namespace turnstile::cli {

/// Threads: immutable.
struct Parameter {
  std::string name;  ///< Without `:`, `@`, `$` or `?`.
  Value value;
};

/// `NULL`, an integer or a real number as JSON writes them, a blob `x'00ff'`, `'text'`; anything
/// else is text as it stands. So 007 and a number too large for 64 bits stay what they are.
[[nodiscard]] Value parse_value(std::string_view text);

/// Throws Failure (USAGE).
[[nodiscard]] std::vector<Parameter> parse_parameters(const std::vector<std::string>& words);

/// Gives every parameter of `statement` its value; throws Failure (USAGE) when one is missing or
/// left over.
void bind_parameters(Statement& statement, std::span<const Parameter> parameters);

}  // namespace turnstile::cli
