// The schema of a file as SQLite understands it, and how two of them differ.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sqlite/call.h"
#include "turnstile/options.h"
#include "turnstile/schema.h"
#include "turnstile/transaction.h"

namespace turnstile::database {

/// What is compared, as text that a message can show. Threads: immutable.
struct Schema {
  /// Property to value, such as `column title` to `TEXT NOT NULL`.
  using Properties = std::map<std::string, std::string, std::less<>>;
  struct Object {
    std::string type;  ///< table, view, index, trigger; `virtual table`.
    std::string name;  ///< As it is written.
    Properties properties;
  };
  /// By type and name in lower case. SQLite's and this library's own are not among them.
  std::map<std::string, Object, std::less<>> objects;
};

[[nodiscard]] Schema read_schema(ReadTx& tx);

/// What `sql` makes of an empty database. Throws Error (SQL_ERROR) for a mistake in it.
[[nodiscard]] Schema schema_of_script(std::string_view sql,
                                      std::shared_ptr<const SqlDefinitions> definitions,
                                      const Call& call);

[[nodiscard]] std::vector<SchemaDifference> compare(const Schema& expected, const Schema& found,
                                                    ExtraObjects extra);

}  // namespace turnstile::database
