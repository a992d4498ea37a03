#include "text/search.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <variant>

#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "text/marking.h"
#include "text/match.h"

namespace turnstile::text {

namespace {

using detail::TextDefinition;

constexpr std::size_t kMostHits = 1000;
constexpr std::size_t kMostFilterValues = 1000;
constexpr int kMostSnippetWords = 64;  // Of FTS5's snippet().

TextSource source_for(ReadTx& tx, const TextDefinition& definition) {
  const bool ready = definition.indexed() && definition.state(tx) == TextDefinition::State::Ready;
  return ready ? TextSource::Fts5 : TextSource::Like;
}

/// ` AND (...)`.
std::string condition_of(const TextFilter& filter, const TextDefinition& definition,
                         Parameters& parameters) {
  const std::string column = definition.table() + "." + sql_name(filter.column);
  std::string sql;
  if (!filter.any_of.empty()) {
    std::string values;
    bool null = false;
    for (const Value& value : filter.any_of) {
      null = null || std::holds_alternative<std::monostate>(value);
      values += (values.empty() ? "" : ", ") + parameters.add(value);
    }
    sql +=
        " AND (" + column + " IN (" + values + ")" + (null ? " OR " + column + " IS NULL)" : ")");
  }
  if (filter.at_least) sql += " AND " + column + " >= " + parameters.add(*filter.at_least);
  if (filter.at_most) sql += " AND " + column + " <= " + parameters.add(*filter.at_most);
  return sql;
}

MatchSql match_sql(const TextDefinition& definition, const TextSearch& options, const Query& query,
                   TextSource source, Parameters& parameters) {
  MatchSql match = source == TextSource::Fts5 ? match_in_index(definition, query, parameters)
                                              : match_in_rows(definition, query, parameters);
  for (const TextFilter& filter : options.filters)
    match.rows += condition_of(filter, definition, parameters);
  return match;
}

}  // namespace

Search::Search(ReadTx& tx, const TextDefinition& definition, std::string_view query,
               const TextSearch& options)
    : tx_(tx),
      definition_(definition),
      options_(options),
      query_(parse_query(query, options.operators)),
      source_(source_for(tx, definition)) {
  if (options.limit < 1 || options.limit > kMostHits)
    refuse(code("OPTION_INVALID"), "the limit is not 1 to 1000");
  std::size_t values = 0;
  for (const TextFilter& filter : options.filters) {
    check_filter(filter);
    values += filter.any_of.size();
  }
  if (values > kMostFilterValues)
    refuse(code("OPTION_INVALID"), "the filters have more than 1000 values");
  if (options.snippet) check_snippet(*options.snippet);
}

void Search::check_filter(const TextFilter& filter) const {
  const std::vector<std::string>& known = definition_.options().filters;
  if (std::ranges::find(known, filter.column) == known.end())
    refuse(code("TEXT_FILTER_UNKNOWN"), "'" + filter.column + "' is none of its filters");
  if (filter.any_of.empty() && !filter.at_least && !filter.at_most)
    refuse(code("OPTION_INVALID"), "the filter on '" + filter.column + "' says nothing");
}

void Search::check_snippet(const TextSnippet& snippet) const {
  if (snippet.words < 0 || snippet.words > kMostSnippetWords)
    refuse(code("OPTION_INVALID"), "the words of a snippet are not 0 to 64");
  if (column_number(snippet.column) < 0 && snippet.words == 0)
    refuse(code("OPTION_INVALID"), "a snippet of a whole column needs the column's name");
}

int Search::column_number(std::string_view name) const {
  if (name.empty()) return -1;
  const std::vector<TextColumn>& columns = definition_.options().columns;
  const auto found = std::ranges::find(columns, name, &TextColumn::name);
  if (found == columns.end())
    refuse(code("OPTION_INVALID"), "'" + std::string(name) + "' is none of its columns");
  return static_cast<int>(found - columns.begin());
}

Statement Search::statement(const std::string& sql, const Parameters& parameters) {
  Statement statement = tx_.prepare(sql);
  parameters.bind_to(statement);
  return statement;
}

std::vector<TextHit> Search::hits() {
  if (query_.empty()) return {};
  Parameters parameters;
  const MatchSql match = match_sql(definition_, options_, query_, source_, parameters);
  std::string sql = "SELECT " + definition_.table() + "." + definition_.key() + " AS key, " +
                    match.score + " AS score " + match.rows;
  if (options_.after) {
    const std::string score = parameters.add(options_.after->score);
    // Scores once for each row, not for each comparison.
    sql = "WITH hit AS MATERIALIZED (" + sql + ") SELECT key, score FROM hit WHERE score < " +
          score + " OR (score = " + score + " AND key > " + parameters.add(options_.after->key) +
          ")";
  }
  sql += " ORDER BY 2 DESC, 1 LIMIT " + parameters.add(static_cast<std::int64_t>(options_.limit));
  std::vector<TextHit> hits;
  Statement rows = statement(sql, parameters);
  while (rows.step()) {
    const auto [key, score] = rows.row().as<std::int64_t, double>();
    hits.push_back({.key = key, .score = score, .source = source_});
  }
  if (options_.snippet && source_ == TextSource::Fts5) add_snippets(hits);
  if (options_.snippet && source_ == TextSource::Like) add_marked_texts(hits);
  return hits;
}

std::int64_t Search::count(std::int64_t at_most) {
  if (at_most < 0) refuse(code("OPTION_INVALID"), "the count is limited to less than 0");
  if (query_.empty()) return 0;
  Parameters parameters;
  const MatchSql match = match_sql(definition_, options_, query_, source_, parameters);
  Statement rows = statement(
      "SELECT count(*) FROM (SELECT 1 " + match.rows + " LIMIT " + parameters.add(at_most) + ")",
      parameters);
  rows.step();
  return rows.row().get<std::int64_t>(0);
}

// In a second step, for the hits alone: SQLite would make the snippets of all rows that match
// before it sorts them.
void Search::add_snippets(std::vector<TextHit>& hits) {
  const TextSnippet& snippet = *options_.snippet;
  const std::string table = definition_.index() + "." + definition_.index();
  Parameters parameters;
  std::string call = (snippet.words == 0 ? "highlight(" : "snippet(") + table + ", ";
  call += parameters.add(std::int64_t{column_number(snippet.column)}) + ", ";
  call += parameters.add(snippet.before) + ", " + parameters.add(snippet.after);
  if (snippet.words > 0) {
    call += ", " + parameters.add(snippet.ellipsis);
    call += ", " + parameters.add(std::int64_t{snippet.words});
  }
  const std::string expression = parameters.add(fts5_expression(query_));
  Statement row = statement("SELECT " + call + ") FROM " + definition_.index() + " WHERE " + table +
                                " MATCH " + expression + " AND rowid = :key",
                            parameters);
  for (TextHit& hit : hits) {
    row.bind(":key", hit.key);
    if (row.step()) hit.snippet = row.row().get<std::optional<std::string>>(0).value_or("");
    row.rewind();
  }
}

void Search::add_marked_texts(std::vector<TextHit>& hits) {
  const TextSnippet& snippet = *options_.snippet;
  const int named = column_number(snippet.column);
  std::string texts;
  for (const TextColumn& column : definition_.options().columns)
    texts += (texts.empty() ? "" : ", ") + ("CAST(" + sql_name(column.name) + " AS TEXT)");
  Statement row = tx_.prepare("SELECT " + texts + " FROM " + definition_.table() + " WHERE " +
                              definition_.key() + " = ?");
  for (TextHit& hit : hits) {
    row.bind(1, hit.key);
    row.step();
    std::string chosen;
    for (int i = 0; i < row.column_count(); ++i) {
      const auto text = row.row().get<std::optional<std::string>>(i).value_or("");
      const bool shown = named < 0 ? has_term(text, query_) : i == named;
      if (shown && chosen.empty()) chosen = text;
    }
    hit.snippet = mark(chosen, query_, snippet);
    row.rewind();
  }
}

void Search::refuse(std::string_view code, const std::string& message) const {
  sqlite::raise_misuse(
      code, "a search of the text index '" + definition_.options().name + "': " + message,
      {.lane = tx_.lane()});
}

}  // namespace turnstile::text
