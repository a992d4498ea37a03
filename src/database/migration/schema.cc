#include "database/migration/schema.h"

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "database/migration/sql_tokens.h"
#include "database/session.h"
#include "sqlite/ascii.h"
#include "sqlite/connection.h"

namespace turnstile {

std::string SchemaDifference::describe() const {
  return object + ": expected " + (expected.empty() ? "nothing" : expected) + ", found " +
         (found.empty() ? "nothing" : found);
}

std::vector<SchemaDifference> compare_schema(ReadTx& tx, std::string_view sql, ExtraObjects extra) {
  const database::Schema expected = database::schema_of_script(sql, {}, tx.session_.call());
  return database::compare(expected, database::read_schema(tx), extra);
}

namespace database {

namespace {

using Text = std::optional<std::string>;

// As people write the types and keywords of SQL.
std::string upper_case(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts)
    text += (text.empty() ? "" : ", ") + part;
  return text;
}

/// Reads one table. Threads: confined.
class TableQuestions {
 public:
  TableQuestions(ReadTx& tx, const std::string& name, const std::string& sql)
      : tx_(tx), name_(name), text_(read_create_table(sql)) {}

  [[nodiscard]] Schema::Properties answers() {
    read_options();
    read_columns();
    read_foreign_keys();
    read_key_constraints();
    for (const std::string& check : text_.checks)
      properties_["check (" + check + ")"] = "CHECK (" + check + ")";
    return std::move(properties_);
  }

 private:
  void read_options() {
    const auto [strict, without_rowid] =
        tx_.query<bool, bool>(
               "SELECT strict, wr FROM pragma_table_list WHERE name = ?1 AND "
               "schema = 'main'",
               name_)
            .one();
    std::string options = strict ? "STRICT" : "";
    if (without_rowid) options += options.empty() ? "WITHOUT ROWID" : ", WITHOUT ROWID";
    if (text_.autoincrement) options += options.empty() ? "AUTOINCREMENT" : ", AUTOINCREMENT";
    properties_["options"] = options.empty() ? "none" : options;
  }

  void read_columns() {
    std::map<int, std::string> key;
    for (auto [name, type, not_null, value, place] :
         tx_.query<std::string, std::string, bool, Text, int>(
             "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_xinfo(?) WHERE "
             "hidden <> 1",
             name_)) {
      const std::string lower = sqlite::lower_ascii(name);
      std::string column = upper_case(normalised(type));
      const auto add = [&column](const std::string& more) {
        column += (column.empty() ? "" : " ") + more;
      };
      if (not_null) add("NOT NULL");
      if (value) add("DEFAULT " + normalised(*value));
      const auto written = std::ranges::find(text_.columns, lower, &TableText::Column::name);
      if (written != text_.columns.end() && !written->collation.empty())
        add("COLLATE " + upper_case(written->collation));
      if (written != text_.columns.end() && !written->generated.empty())
        add("AS (" + written->generated + ")");
      properties_["column " + lower] = column.empty() ? "without a type" : column;
      if (place > 0) key[place] = lower;
    }
    std::vector<std::string> names;
    for (const auto& [place, column] : key)
      names.push_back(column);
    properties_["primary key"] = names.empty() ? "none" : "(" + joined(names) + ")";
  }

  void read_foreign_keys() {
    struct Key {
      std::string target;
      std::string actions;
      std::vector<std::string> from;
      std::vector<std::string> to;
    };
    std::map<int, Key> keys;
    for (auto [id, table, from, to, on_update, on_delete] :
         tx_.query<int, std::string, std::string, Text, std::string, std::string>(
             "SELECT id, \"table\", \"from\", \"to\", on_update, on_delete FROM "
             "pragma_foreign_key_list(?) ORDER BY id, seq",
             name_)) {
      Key& key = keys[id];
      key.target = sqlite::lower_ascii(table);
      key.actions = " ON UPDATE ";
      key.actions.append(on_update).append(" ON DELETE ").append(on_delete);
      key.from.push_back(sqlite::lower_ascii(from));
      if (to) key.to.push_back(sqlite::lower_ascii(*to));
    }
    for (const auto& [id, key] : keys) {
      const std::string target = key.target + (key.to.empty() ? "" : "(" + joined(key.to) + ")");
      properties_["foreign key (" + joined(key.from) + ") to " + target] =
          "REFERENCES " + target + key.actions;
    }
  }

  // Named indexes are objects of their own; these have names that say nothing.
  void read_key_constraints() {
    const auto unique =
        tx_.query<std::string>("SELECT name FROM pragma_index_list(?) WHERE origin = 'u'", name_)
            .all();
    for (const std::string& index : unique) {
      std::vector<std::string> columns;
      for (auto [column, collation] : tx_.query<Text, std::string>(
               "SELECT name, coll FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno", index))
        columns.push_back(sqlite::lower_ascii(column.value_or("?")) +
                          (collation == "BINARY" ? "" : " COLLATE " + upper_case(collation)));
      properties_["unique (" + joined(columns) + ")"] = "UNIQUE (" + joined(columns) + ")";
    }
  }

  ReadTx& tx_;
  const std::string& name_;
  const TableText text_;
  Schema::Properties properties_;
};

Schema::Properties read_index(ReadTx& tx, const std::string& name, const std::string& table,
                              const std::string& sql) {
  const auto [unique, partial] =
      tx.query<bool, bool>("SELECT \"unique\", partial FROM pragma_index_list(?) WHERE name = ?",
                           table, name)
          .one();
  std::vector<std::string> columns;
  bool has_expression = partial;
  for (auto [column, descending, collation] : tx.query<Text, bool, std::string>(
           "SELECT name, \"desc\", coll FROM pragma_index_xinfo(?) WHERE key ORDER BY seqno",
           name)) {
    has_expression = has_expression || !column;
    columns.push_back(sqlite::lower_ascii(column.value_or("?")) +
                      (collation == "BINARY" ? "" : " COLLATE " + upper_case(collation)) +
                      (descending ? " DESC" : ""));
  }
  std::string definition = unique ? "UNIQUE ON " : "ON ";
  definition += sqlite::lower_ascii(table) + " (" + joined(columns) + ")";
  // What SQLite has no questions for is compared as it is written, from ON.
  if (has_expression) {
    const std::vector<SqlToken> tokens = tokens_of(sql);
    const auto on = std::ranges::find_if(tokens, [](const auto& t) { return t.is_word("on"); });
    definition = (unique ? "UNIQUE " : "") + text_of(&*tokens.begin() + (on - tokens.begin()),
                                                     &*tokens.begin() + tokens.size());
  }
  return {{"definition", definition}};
}

void compare_properties(const Schema::Object& expected, const Schema::Object& found,
                        std::vector<SchemaDifference>& differences) {
  std::set<std::string> names;
  for (const auto* const side : {&expected.properties, &found.properties})
    for (const auto& [name, value] : *side)
      names.insert(name);
  for (const std::string& name : names) {
    const auto value = [&name](const Schema::Object& object) {
      const auto place = object.properties.find(name);
      return place == object.properties.end() ? std::string() : place->second;
    };
    const std::string wanted = value(expected);
    const std::string there = value(found);
    if (wanted == there) continue;
    std::string object = expected.type + " " + expected.name;
    if (name.starts_with("column "))
      object = "column " + expected.name + "." + name.substr(name.find(' ') + 1);
    else if (name != "definition")
      object += ", " + name;
    differences.push_back({object, wanted, there});
  }
}

}  // namespace

Schema read_schema(ReadTx& tx) {
  Schema schema;
  std::set<std::string> shadows;
  for (std::string name : tx.query<std::string>(
           "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'"))
    shadows.insert(std::move(name));
  const auto rows = tx.query<std::string, std::string, std::string, std::string>(
                          "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT "
                          "NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE "
                          "'turnstile\\_%' ESCAPE '\\' ORDER BY rowid")
                        .all();
  for (const auto& [type, name, table, sql] : rows) {
    if (shadows.contains(table)) continue;
    Schema::Object object{.type = type, .name = name, .properties = {}};
    if (type == "table" && tokens_of(sql).at(1).is_word("virtual")) object.type = "virtual table";
    if (object.type == "table")
      object.properties = TableQuestions(tx, name, sql).answers();
    else if (type == "index")
      object.properties = read_index(tx, name, table, sql);
    else
      object.properties = {{"definition", normalised(sql)}};
    std::string key = type;
    key.append(" ").append(name);
    schema.objects[sqlite::lower_ascii(key)] = std::move(object);
  }
  return schema;
}

Schema schema_of_script(std::string_view sql, std::shared_ptr<const SqlDefinitions> definitions,
                        const Call& call) {
  sqlite::Connection::Config config;
  config.path = ":memory:";
  config.create = true;
  config.definitions = std::move(definitions);
  sqlite::Connection connection(std::move(config), call);
  connection.execute_script(sql);
  detail::Session session(connection, call);
  ReadTx tx(session);
  return read_schema(tx);
}

std::vector<SchemaDifference> compare(const Schema& expected, const Schema& found,
                                      ExtraObjects extra) {
  std::vector<SchemaDifference> differences;
  const auto whole = [](const Schema::Object& object) {
    const auto definition = object.properties.find("definition");
    return definition == object.properties.end() ? "the " + object.type : definition->second;
  };
  for (const auto& [key, object] : expected.objects) {
    const auto other = found.objects.find(key);
    if (other == found.objects.end())
      differences.push_back({object.type + " " + object.name, whole(object), {}});
    else if (other->second.type != object.type)
      differences.push_back(
          {"table " + object.name, "a " + object.type, "a " + other->second.type});
    else
      compare_properties(object, other->second, differences);
  }
  if (extra == ExtraObjects::Report) {
    for (const auto& [key, object] : found.objects)
      if (!expected.objects.contains(key))
        differences.push_back({object.type + " " + object.name, {}, whole(object)});
  }
  return differences;
}

}  // namespace database

}  // namespace turnstile
