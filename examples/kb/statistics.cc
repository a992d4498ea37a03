#include "statistics.h"

#include <algorithm>
#include <string_view>

#include "audit.h"

namespace kb {

namespace {

using turnstile::ReadTx;

template <class... Args>
std::int64_t number(ReadTx& tx, std::string_view sql, const Args&... args) {
  return tx.query<std::int64_t>(sql, args...).one();
}

std::int64_t events(ReadTx& tx, Action action) {
  return number(tx, "SELECT count(*) FROM audit WHERE action = ?", to_string(action));
}

Check equal(std::string name, std::int64_t left, std::int64_t right) {
  return {std::move(name), left == right, std::to_string(left) + " and " + std::to_string(right)};
}

Check none(std::string name, std::int64_t count) {
  return {std::move(name), count == 0, std::to_string(count) + " found"};
}

Check integrity(ReadTx& tx) {
  // The full-text index is part of it: FTS5 checks itself when it is asked this way.
  const auto lines =
      tx.query<std::string>("SELECT integrity_check FROM pragma_integrity_check").all();
  return {"integrity check", lines == std::vector<std::string>{"ok"},
          lines.empty() ? "no answer" : lines.front()};
}

}  // namespace

bool Statistics::is_consistent() const {
  return std::ranges::all_of(checks, [](const Check& check) { return check.passed; });
}

Statistics statistics_of(ReadTx& tx) {
  Statistics result;
  result.documents = number(tx, "SELECT count(*) FROM document");
  result.chunks = number(tx, "SELECT count(*) FROM chunk");
  result.text_bytes = number(tx, "SELECT coalesce(sum(text_bytes), 0) FROM document");
  result.truncated = number(tx, "SELECT count(*) FROM document WHERE truncated");
  result.skipped = number(tx, "SELECT count(*) FROM skipped");
  result.queued = number(tx, "SELECT count(*) FROM work");
  result.audit_events = number(tx, "SELECT count(*) FROM audit");
  result.added = events(tx, Action::Added);
  result.changed = events(tx, Action::Changed);
  result.removed = events(tx, Action::Removed);

  result.checks = {
      none("documents without all their chunks",
           number(tx,
                  "SELECT count(*) FROM document WHERE chunk_count <> (SELECT count(*) FROM "
                  "chunk WHERE chunk.document_id = document.id)")),
      // A count of the full-text table itself would be answered from `chunk`; this is its own.
      equal("chunks and full-text rows", result.chunks,
            number(tx, "SELECT count(*) FROM chunk_text_docsize")),
      equal("audited additions less removals, and documents", result.added - result.removed,
            result.documents),
      none("broken foreign keys", number(tx, "SELECT count(*) FROM pragma_foreign_key_check")),
      integrity(tx)};
  return result;
}

}  // namespace kb
