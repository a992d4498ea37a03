#include "text/definition.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "sqlite/ascii.h"
#include "text/sql.h"

namespace turnstile::detail {

namespace {

using text::raise_unfit;
using text::sql_name;

// The name is part of that of a component, and of those of SQL objects.
void require_name(const ReadTx& tx, const std::string& name) {
  constexpr std::size_t kLongest = 40;
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
  constexpr std::string_view kCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_";
  const bool valid = !name.empty() && name.size() <= kLongest &&
                     kLetters.find(name.front()) != std::string_view::npos &&
                     name.find_first_not_of(kCharacters) == std::string::npos &&
                     !name.starts_with("sqlite_");
  if (!valid)
    raise_unfit(tx, name, "its name is to be 1 to 40 of a-z, 0-9 and '_', a letter first");
}

void require_columns(const ReadTx& tx, const TextIndexOptions& options,
                     const text::TableFacts& facts) {
  const auto require = [&](const std::string& column) {
    if (facts.has_column(column)) return;
    raise_unfit(tx, options.name,
                "the table '" + options.table + "' has no column '" + column + "'");
  };
  if (options.columns.empty()) raise_unfit(tx, options.name, "no column is named");
  // What FTS5 has columns of its own for.
  std::set<std::string> taken{"rank", "rowid", options.name};
  for (const TextColumn& column : options.columns) {
    require(column.name);
    if (!taken.insert(sqlite::lower_ascii(column.name)).second) {
      raise_unfit(tx, options.name,
                  "the column '" + column.name + "' is named twice, or has a name of FTS5's own");
    }
    if (!(column.weight >= 0 && std::isfinite(column.weight)))
      raise_unfit(tx, options.name, "the weight of '" + column.name + "' is not 0 or more");
  }
  std::ranges::for_each(options.filters, require);
}

void require_prefixes(const ReadTx& tx, const TextIndexOptions& options) {
  constexpr std::size_t kMost = 31;
  constexpr int kLongest = 999;
  const auto valid = [](int length) { return length >= 1 && length <= kLongest; };
  if (options.prefix.size() <= kMost && std::ranges::all_of(options.prefix, valid)) return;
  raise_unfit(tx, options.name, "its prefixes are to be at most 31, of 1 to 999 characters");
}

std::string_view fts5_tokenizer(TextTokenizer tokenizer) {
  switch (tokenizer) {
    case TextTokenizer::Porter:
      return "porter unicode61 remove_diacritics 2";
    case TextTokenizer::Trigram:
      return "trigram case_sensitive 0 remove_diacritics 1";
    case TextTokenizer::Unicode:
      break;
  }
  return "unicode61 remove_diacritics 2";
}

bool engine_has_fts5(ReadTx& tx) {
  return tx.query<bool>("SELECT EXISTS (SELECT 1 FROM pragma_module_list WHERE name = 'fts5')")
      .one();
}

}  // namespace

TextDefinition::TextDefinition(ReadTx& tx, TextIndexOptions options)
    : options_(std::move(options)),
      indexed_(!options_.scan_only && engine_has_fts5(tx)),
      index_(sql_name(options_.name)),
      table_(sql_name(options_.table)) {
  require_name(tx, options_.name);
  const text::TableFacts facts = text::read_table_facts(tx, options_.name, options_.table);
  require_columns(tx, options_, facts);
  require_prefixes(tx, options_);
  key_ = sql_name(facts.key);
  for (const TextColumn& column : options_.columns)
    columns_ += (columns_.empty() ? "" : ", ") + sql_name(column.name);
  objects_.push_back({"table", options_.name, fts5_table()});
  std::ranges::move(triggers(), std::back_inserter(objects_));
}

std::string TextDefinition::build_table() const {
  return sql_name(options_.name + "_build");
}

std::string TextDefinition::remove_rows(std::string_view keys) const {
  return "DELETE FROM " + index_ + " WHERE rowid " + std::string(keys);
}

std::string TextDefinition::add_rows(std::string_view keys) const {
  return "INSERT INTO " + index_ + "(rowid, " + columns_ + ") SELECT " + key_ + ", " + columns_ +
         " FROM " + table_ + " WHERE " + key_ + " " + std::string(keys);
}

std::string TextDefinition::fts5_table() const {
  std::string sql = "CREATE VIRTUAL TABLE " + index_ + " USING fts5(" + columns_ + ", tokenize='" +
                    std::string(fts5_tokenizer(options_.tokenizer)) + "'";
  std::string lengths;
  for (const int length : options_.prefix)
    lengths += (lengths.empty() ? "" : " ") + std::to_string(length);
  if (!lengths.empty()) sql += ", prefix='" + lengths + "'";
  return sql + ")";
}

// `UPDATE OF` would not see generated columns, and the columns' own collations may take texts for
// equal that are not.
std::string TextDefinition::text_changed() const {
  std::string condition;
  for (const TextColumn& column : options_.columns) {
    const std::string name = sql_name(column.name);
    condition.append(condition.empty() ? "old." : " OR old.").append(name);
    condition.append(" COLLATE BINARY IS NOT new.").append(name);
  }
  return condition;
}

std::vector<text::SchemaObject> TextDefinition::triggers() const {
  const auto follow = [&](const std::string& keys) {
    return remove_rows(keys) + "; " + add_rows(keys) + "; ";
  };
  const auto trigger = [&](const std::string& what, const std::string& event,
                           const std::string& body) {
    return text::make_trigger(options_.name + what, event + " BEGIN " + body + "END");
  };
  const std::string of_new = follow("= new." + key_);
  const std::string of_old = follow("= old." + key_);
  return {trigger("_insert", "AFTER INSERT ON " + table_, of_new),
          trigger("_update", "AFTER UPDATE ON " + table_ + " WHEN " + text_changed(), of_new),
          trigger("_rekey", "AFTER UPDATE ON " + table_ + " WHEN old." + key_ + " <> new." + key_,
                  of_old + of_new),
          trigger("_delete", "AFTER DELETE ON " + table_, of_old)};
}

TextDefinition::State TextDefinition::state(ReadTx& tx) const {
  std::vector<std::string> names{options_.name + "_build"};
  std::map<std::string, std::string> expected;
  for (const text::SchemaObject& object : objects_) {
    names.push_back(object.name);
    expected.emplace(object.name, object.sql);
  }
  std::map<std::string, std::string> stored = text::stored_sql(tx, names);
  if (stored.empty()) return State::Missing;
  const bool unfinished = stored.erase(names.front()) > 0;
  if (stored != expected) return State::Other;
  return unfinished ? State::Unfinished : State::Ready;
}

void TextDefinition::create(WriteTx& tx) const {
  for (const text::SchemaObject& object : objects_)
    tx.execute(object.sql);
  replaced_rows(tx).create(tx);
  if (!tx.query<bool>("SELECT EXISTS (SELECT 1 FROM " + table_ + ")").one()) return;
  tx.execute("CREATE TABLE " + build_table() + "(next_key INTEGER NOT NULL)");
  tx.execute("INSERT INTO " + build_table() + " VALUES (?)",
             std::numeric_limits<std::int64_t>::min());
}

void TextDefinition::drop(WriteTx& tx) const {
  for (const text::SchemaObject& object : objects_)
    if (object.type == "trigger") tx.execute("DROP TRIGGER IF EXISTS " + sql_name(object.name));
  replaced_rows(tx).drop(tx);
  tx.execute("DROP TABLE IF EXISTS " + build_table());
  tx.execute("DROP TABLE IF EXISTS " + index_);
}

text::ReplacedRows TextDefinition::replaced_rows(ReadTx& tx) const {
  return {options_.name, index_, table_, text::read_table_facts(tx, options_.name, options_.table)};
}

}  // namespace turnstile::detail
