// Tables and triggers of an index, and what the file has of them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "turnstile/transaction.h"

namespace turnstile::text {

/// Threads: immutable.
struct SchemaObject {
  std::string type{};  ///< `table` or `trigger`.
  std::string name{};
  std::string sql{};  ///< Exactly as SQLite keeps it, when it is made by this.
};

/// The SQL of those of `names` that the file has, by name. Names are in lower case.
[[nodiscard]] std::map<std::string, std::string> stored_sql(ReadTx& tx,
                                                            const std::vector<std::string>& names);

/// Makes a trigger out of what comes behind its name.
[[nodiscard]] SchemaObject make_trigger(const std::string& name, const std::string& rest);

}  // namespace turnstile::text
