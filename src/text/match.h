// The two ways of finding rows, as SQL: by the index, and by reading all rows.
#pragma once

#include <string>

#include "text/definition.h"
#include "text/query.h"
#include "text/sql.h"

namespace turnstile::text {

/// Threads: immutable.
struct MatchSql {
  std::string rows;   ///< `FROM ... WHERE ...`; the content table is in it by its own name.
  std::string score;  ///< Of such a row; higher is better.
};

/// By the index, ranked by BM25. The index drives the join: it costs the same for each match,
/// whatever the planner thinks of the filters.
[[nodiscard]] MatchSql match_in_index(const detail::TextDefinition& definition, const Query& query,
                                      Parameters& parameters);

/// By the table alone. A term is in a row when a column has it as it stands, whatever the case of
/// ASCII letters. `LIKE '%term%'` would find the same with the term's `%` and `_` escaped, but
/// takes no more than 50,000 bytes. Of a longer query the first 200 terms count.
[[nodiscard]] MatchSql match_in_rows(const detail::TextDefinition& definition, const Query& query,
                                     Parameters& parameters);

}  // namespace turnstile::text
