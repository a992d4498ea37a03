#include "text/match.h"
#include "sqlite/ascii.h"

#include <cstddef>
#include <string_view>
#include <vector>

namespace turnstile::text {

namespace {

/// `a`, `a + b`, `(a + b + c)`: SQL put together from parts.
class Joined {
 public:
  explicit Joined(std::string_view between) : between_(between) {}

  void add(std::string_view part) {
    if (!text_.empty()) text_ += between_;
    text_ += part;
  }
  [[nodiscard]] std::string in_parentheses() const { return "(" + text_ + ")"; }

 private:
  std::string_view between_;
  std::string text_;
};

/// Threads: confined.
class Scan {
 public:
  Scan(const detail::TextDefinition& definition, Parameters& parameters)
      : columns_(definition.options().columns), parameters_(parameters) {
    for (const TextColumn& column : columns_) {
      texts_.push_back("lower(coalesce(" + definition.table() + "." + sql_name(column.name) +
                       ", ''))");
      sums_.emplace_back(" + ");
    }
  }

  [[nodiscard]] std::string condition(const Query& query) {
    Joined any(" OR ");
    for (const Alternative& alternative : query.alternatives) {
      Joined all(" AND ");
      for (const Term& term : alternative.wanted)
        if (const std::string place = place_of(term); !place.empty()) {
          all.add(contains(place));
          count(place);
        }
      for (const Term& term : alternative.unwanted)
        if (const std::string place = place_of(term); !place.empty())
          all.add("NOT " + contains(place));
      if (all.in_parentheses() != "()") any.add(all.in_parentheses());
    }
    return any.in_parentheses();
  }

  /// Of the conditions that were asked for.
  [[nodiscard]] std::string score() {
    Joined sum(" + ");
    for (std::size_t i = 0; i < columns_.size(); ++i)
      sum.add(parameters_.add(columns_[i].weight) + " * " + sums_[i].in_parentheses());
    return sum.in_parentheses();
  }

 private:
  // SQLite's limit for the depth of an expression is 1000.
  static constexpr int kMostTerms = 200;

  static std::string instr(const std::string& text, const std::string& place) {
    return "instr(" + text + ", " + place + ")";
  }
  static std::string times_in(const std::string& text, const std::string& place) {
    return "(length(" + text + ") - length(replace(" + text + ", " + place + ", ''))) / length(" +
           place + ")";
  }

  std::string place_of(const Term& term) {
    if (terms_ == kMostTerms) return {};
    ++terms_;
    return parameters_.add(sqlite::lower_ascii(term.text));
  }

  [[nodiscard]] std::string contains(const std::string& place) const {
    Joined any(" OR ");
    for (const std::string& text : texts_)
      any.add(instr(text, place));
    return any.in_parentheses();
  }

  void count(const std::string& place) {
    for (std::size_t i = 0; i < texts_.size(); ++i)
      sums_[i].add(times_in(texts_[i], place));
  }

  const std::vector<TextColumn>& columns_;
  Parameters& parameters_;
  std::vector<std::string> texts_;
  std::vector<Joined> sums_;
  int terms_ = 0;
};

}  // namespace

MatchSql match_in_index(const detail::TextDefinition& definition, const Query& query,
                        Parameters& parameters) {
  const std::string& index = definition.index();
  const std::string& table = definition.table();
  MatchSql match;
  match.score = "-bm25(" + index + "." + index;
  for (const TextColumn& column : definition.options().columns)
    match.score += ", " + parameters.add(column.weight);
  match.score += ")";
  match.rows = "FROM " + index + " CROSS JOIN " + table + " ON " + table + "." + definition.key() +
               " = " + index + ".rowid WHERE " + index + "." + index + " MATCH " +
               parameters.add(fts5_expression(query));
  return match;
}

MatchSql match_in_rows(const detail::TextDefinition& definition, const Query& query,
                       Parameters& parameters) {
  Scan scan(definition, parameters);
  MatchSql match;
  match.rows = "FROM " + definition.table() + " WHERE " + scan.condition(query);
  match.score = scan.score();
  return match;
}

}  // namespace turnstile::text
