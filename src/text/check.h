// Whether an index has what the table has.
#pragma once

#include <string>
#include <vector>

#include "text/definition.h"
#include "turnstile/transaction.h"

namespace turnstile::text {

/// What is wrong, a sentence each.
[[nodiscard]] std::vector<std::string> check_index(ReadTx& tx,
                                                   const detail::TextDefinition& definition);

}  // namespace turnstile::text
