// One search: its options checked, its SQL put together, its hits collected.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/definition.h"
#include "text/query.h"
#include "text/sql.h"
#include "turnstile/text.h"
#include "turnstile/transaction.h"

namespace turnstile::text {

/// Threads: confined.
class Search {
 public:
  /// Throws MisuseError (OPTION_INVALID, TEXT_FILTER_UNKNOWN). What is given must outlive it.
  Search(ReadTx& tx, const detail::TextDefinition& definition, std::string_view query,
         const TextSearch& options);

  [[nodiscard]] std::vector<TextHit> hits();
  [[nodiscard]] std::int64_t count(std::int64_t at_most);

 private:
  void check_filter(const TextFilter& filter) const;
  void check_snippet(const TextSnippet& snippet) const;
  /// The number of a column of the index, -1 for an empty name. Throws MisuseError.
  [[nodiscard]] int column_number(std::string_view name) const;
  [[nodiscard]] Statement statement(const std::string& sql, const Parameters& parameters);

  void add_snippets(std::vector<TextHit>& hits);
  void add_marked_texts(std::vector<TextHit>& hits);
  [[noreturn]] void refuse(std::string_view code, const std::string& message) const;

  ReadTx& tx_;
  const detail::TextDefinition& definition_;
  const TextSearch& options_;
  const Query query_;
  const TextSource source_;
};

}  // namespace turnstile::text
