#include "text/schema_object.h"

#include "text/sql.h"

namespace turnstile::text {

std::map<std::string, std::string> stored_sql(ReadTx& tx, const std::vector<std::string>& names) {
  Parameters parameters;
  std::string list;
  for (const std::string& name : names)
    list += (list.empty() ? "" : ", ") + parameters.add(name);
  Statement statement =
      tx.prepare("SELECT name, sql FROM sqlite_schema WHERE name IN (" + list + ")");
  parameters.bind_to(statement);
  std::map<std::string, std::string> stored;
  while (statement.step()) {
    auto [name, sql] = statement.row().as<std::string, std::string>();
    stored.emplace(std::move(name), std::move(sql));
  }
  return stored;
}

SchemaObject make_trigger(const std::string& name, const std::string& rest) {
  return {"trigger", name, "CREATE TRIGGER " + sql_name(name) + " " + rest};
}

}  // namespace turnstile::text
