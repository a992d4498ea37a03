#include "turnstile/records/record_schema.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "turnstile/error.h"

namespace turnstile {

namespace {

using detail::is_same_name;
using detail::Table;

/// FNV-1a: a name for a text that is not secret.
std::uint64_t hash_of(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3U;
  }
  return hash;
}

/// `text` without what comparing schemas does not see: white space, quotes around names, case.
std::string bare(std::string_view text) {
  std::string result;
  for (const char c : text)
    if (c != ' ' && c != '\n' && c != '\t' && c != '"') result += detail::lower(c);
  return result;
}

bool is_letter(char c) noexcept {
  return c == '_' || (c >= '0' && c <= '9') || (detail::lower(c) >= 'a' && detail::lower(c) <= 'z');
}

/// Whether `name` stands in `text` as a word.
bool mentions(std::string_view text, std::string_view name) {
  for (std::size_t at = 0; at + name.size() <= text.size(); ++at) {
    const std::size_t end = at + name.size();
    if (is_same_name(text.substr(at, name.size()), name) && (at == 0 || !is_letter(text[at - 1])) &&
        (end == text.size() || !is_letter(text[end])))
      return true;
  }
  return false;
}

/// What a difference is about: `column note.title` is a column of note, `table note, check (x)`
/// something else of it.
struct Subject {
  std::string_view kind;
  std::string_view table;
  std::string_view rest;

  static Subject of(const SchemaDifference& difference) {
    const std::string_view object = difference.object;
    const std::size_t blank = object.find(' ');
    Subject subject{object.substr(0, blank), object.substr(blank + 1), {}};
    const std::string_view separator = subject.kind == "column" ? "." : ", ";
    const std::size_t end = subject.table.find(separator);
    if (end == std::string_view::npos) return subject;
    subject.rest = subject.table.substr(end + separator.size());
    subject.table = subject.table.substr(0, end);
    return subject;
  }
};

/// Sorts the differences of one comparison, and writes what adds what is missing.
///
/// Threads: confined.
class Planner {
 public:
  Planner(const std::vector<const Table*>& tables, std::vector<SchemaDifference> differences)
      : tables_(tables), differences_(std::move(differences)) {}

  [[nodiscard]] RecordSchemaPlan plan() {
    // Columns first: what else is said of a column follows it.
    for (const SchemaDifference& each : differences_)
      if (Subject::of(each).kind == "column") sort_column(each);
    for (const SchemaDifference& each : differences_)
      if (Subject::of(each).kind != "column") sort_other(each);
    write_sql();
    return std::move(plan_);
  }

 private:
  struct Place {
    const Table* table;
    std::size_t column;
  };

  [[nodiscard]] const Table* find_table(std::string_view name) const {
    const auto found = std::ranges::find_if(
        tables_, [name](const Table* table) { return is_same_name(table->name(), name); });
    return found == tables_.end() ? nullptr : *found;
  }

  void add(const SchemaDifference& difference) { plan_.additions.push_back(difference); }
  void refuse(const SchemaDifference& difference) { plan_.conflicts.push_back(difference); }
  void leave(const SchemaDifference& difference) { plan_.leftovers.push_back(difference); }

  void sort_column(const SchemaDifference& difference) {
    const Subject subject = Subject::of(difference);
    if (difference.expected.empty()) {
      const bool must_be_given = mentions(difference.found, "NOT") &&
                                 !mentions(difference.found, "DEFAULT") &&
                                 !mentions(difference.found, "AS");
      if (must_be_given) return refuse(difference);
      leftover_columns_.emplace_back(subject.table, subject.rest);
      return leave(difference);
    }
    const Table* const table = find_table(subject.table);
    if (!difference.found.empty() || table == nullptr) return refuse(difference);
    for (std::size_t i = 0; i < table->columns().size(); ++i) {
      const detail::ColumnInfo& column = table->columns()[i];
      if (!is_same_name(column.spec.name, subject.rest)) continue;
      const bool has_value = column.storage.nullable || column.spec.initial.type != ValueType::Null;
      if (column.spec.is_key || !has_value) return refuse(difference);
      added_columns_.push_back({table, i});
      return add(difference);
    }
  }

  void sort_other(const SchemaDifference& difference) {
    const Subject subject = Subject::of(difference);
    const bool is_missing = difference.found.empty();
    if (subject.kind == "index" && is_missing) return add(difference);
    if (subject.kind == "table" && subject.rest.empty() && is_missing) {
      missing_tables_.push_back(find_table(subject.table));
      return add(difference);
    }
    if (subject.kind == "table" && is_missing && comes_with_added_column(subject, difference))
      return add(difference);
    if (subject.kind == "table" && difference.expected.empty() && is_of_leftover(subject))
      return leave(difference);
    refuse(difference);
  }

  /// A foreign key or a check of a column that is added comes with it; a check of the whole table
  /// that such a column takes part in can come with it.
  bool comes_with_added_column(const Subject& subject, const SchemaDifference& difference) {
    for (const auto& [table, column] : added_columns_) {
      if (!is_same_name(table->name(), subject.table)) continue;
      const std::string_view name = table->columns()[column].spec.name;
      if (subject.rest.starts_with("foreign key")) {
        if (mentions(subject.rest.substr(0, subject.rest.find(')')), name)) return true;
        continue;
      }
      if (!subject.rest.starts_with("check") || !mentions(subject.rest, name)) continue;
      if (bare("CHECK (" + table->check_of(column) + ")") == bare(difference.expected)) return true;
      for (const std::string_view condition : table->checks()) {
        const std::string check = "CHECK (" + std::string(condition) + ")";
        if (bare(check) != bare(difference.expected)) continue;
        further_checks_[{table, column}] += " " + check;
        return true;
      }
    }
    return false;
  }

  [[nodiscard]] bool is_of_leftover(const Subject& subject) const {
    // Of a foreign key only the columns that it is of, not those that it refers to.
    const std::string_view part = subject.rest.starts_with("foreign key")
                                      ? subject.rest.substr(0, subject.rest.find(')'))
                                      : subject.rest;
    return std::ranges::any_of(leftover_columns_, [&](const auto& column) {
      return is_same_name(column.first, subject.table) && mentions(part, column.second);
    });
  }

  // In the order of the tables; the columns of one before its indexes.
  void write_sql() {
    for (const Table* const table : tables_) {
      if (std::ranges::find(missing_tables_, table) != missing_tables_.end())
        plan_.sql += table->create_table() + "\n";
      for (const auto& [owner, column] : added_columns_)
        if (owner == table)
          plan_.sql += table->add_column(column, further_checks_[{table, column}]) + "\n";
      for (const detail::IndexInfo& index : table->indexes())
        if (is_added_index(index.name)) plan_.sql += table->create_index(index) + "\n";
    }
  }

  [[nodiscard]] bool is_added_index(std::string_view name) const {
    return std::ranges::any_of(plan_.additions, [name](const SchemaDifference& difference) {
      const Subject subject = Subject::of(difference);
      return subject.kind == "index" && is_same_name(subject.table, name);
    });
  }

  const std::vector<const Table*>& tables_;
  const std::vector<SchemaDifference> differences_;
  RecordSchemaPlan plan_;
  std::vector<const Table*> missing_tables_;
  std::vector<Place> added_columns_;
  std::map<std::pair<const Table*, std::size_t>, std::string> further_checks_;
  std::vector<std::pair<std::string_view, std::string_view>> leftover_columns_;
};

[[noreturn]] void raise_differs(const std::string& tables, const RecordSchemaPlan& plan,
                                const Lane& lane, std::source_location where) {
  std::string list;
  for (const auto* const differences : {&plan.conflicts, &plan.additions})
    for (const SchemaDifference& difference : *differences)
      detail::append(list, difference.describe(), "; ");
  Error::Details details;
  details.code = code("DB_SCHEMA_DIFFERS");
  details.message =
      "the file does not have the tables that are described (" + tables + "): " + list;
  details.lane = lane.name();
  details.where = where;
  throw MigrationError(std::move(details));
}

}  // namespace

Migration RecordSchemaPlan::step(int version, std::string name) const {
  if (sql.empty()) {
    sqlite::raise_misuse(code("MIGRATION_INVALID"),
                         "a schema step was asked for, and there is nothing to add", {},
                         "Look whether `sql` is empty first.");
  }
  return {.version = version, .name = std::move(name), .sql = sql};
}

RecordSchema::RecordSchema(std::vector<const Table*> tables) : tables_(std::move(tables)) {}

std::string RecordSchema::sql() const {
  std::string script;
  for (const Table* const table : tables_)
    script += table->create_script();
  return script;
}

std::string RecordSchema::names() const {
  std::string list;
  for (const Table* const table : tables_)
    detail::append(list, table->name());
  return list;
}

// The tables as they are described are the component, and have one step, so that each program adds
// what its own description has and knows nothing of the order in which other versions came.
std::string RecordSchema::component() const {
  constexpr int kBase = 16;
  std::array<char, sizeof(std::uint64_t) * 2> digits{};
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), hash_of(sql()), kBase).ptr;
  return "records." + std::string(digits.data(), end);
}

RecordSchemaPlan RecordSchema::plan(ReadTx& tx) const {
  return Planner(tables_, compare_schema(tx, sql())).plan();
}

RecordSchemaPlan RecordSchema::plan(const Lane& lane, std::source_location where) const {
  return lane.read([this](ReadTx& tx) { return plan(tx); }, where);
}

bool RecordSchema::ensure(const Lane& lane, std::source_location where) const {
  const RecordSchemaPlan found = plan(lane, where);
  if (!found.conflicts.empty()) raise_differs(names(), found, lane, where);
  if (found.additions.empty()) return false;
  bool added = false;
  // Another process may have done it meanwhile, or a part of it, so that it is looked at again.
  const auto add_missing = [&](WriteTx& tx) {
    const RecordSchemaPlan missing = plan(tx);
    if (!missing.conflicts.empty()) raise_differs(names(), missing, lane, where);
    tx.execute_script(missing.sql);
    added = !missing.sql.empty();
  };
  const Migration step{.version = 1, .name = names(), .apply = add_missing, .revision = sql()};
  static_cast<void>(lane.migrate(component(), {step}, {}, where));
  require(lane, where);
  return added;
}

void RecordSchema::require(const Lane& lane, std::source_location where) const {
  const RecordSchemaPlan found = plan(lane, where);
  if (!found.conflicts.empty() || !found.additions.empty())
    raise_differs(names(), found, lane, where);
}

}  // namespace turnstile
