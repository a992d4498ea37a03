#include "statistics.h"

#include <tuple>

#include "turnstile/error.h"

namespace kb {

using turnstile::ReadTx;
using turnstile::WriteTx;

namespace {

std::int64_t count(ReadTx& tx, std::string_view sql) {
  return tx.query<std::int64_t>(sql).one();
}

void count_runs(ReadTx& tx, Statistics& all) {
  auto rows =
      tx.query<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t>(
          R"sql(
    SELECT coalesce(sum(commits), 0), coalesce(sum(searches), 0), coalesce(sum(hits), 0),
           coalesce(sum(lock_failures), 0), coalesce(max(longest_write_wait_us), 0),
           coalesce(max(longest_read_wait_us), 0)
    FROM run)sql");
  std::tie(all.commits, all.searches, all.hits, all.lock_failures, all.longest_write_wait_us,
           all.longest_read_wait_us) = rows.one();
}

// Each of these must count nothing.
void check_agreement(ReadTx& tx, Statistics& all) {
  const auto expect_none = [&](std::string_view what, std::string_view sql) {
    const std::int64_t found = count(tx, sql);
    if (found != 0) all.problems.push_back(std::to_string(found) + " " + std::string(what));
  };
  expect_none("documents whose chunks are not all there", R"sql(
      SELECT count(*) FROM document
      WHERE chunk_count <> (SELECT count(*) FROM chunk WHERE document_id = document.id))sql");
  expect_none(
      "chunks more or less in the full-text index than in the table",
      "SELECT abs((SELECT count(*) FROM chunk) - (SELECT count(*) FROM chunk_text_docsize))");
  expect_none("documents more or less than the audit events account for", R"sql(
      SELECT abs((SELECT count(*) FROM document)
               - (SELECT count(*) FROM audit WHERE action = 'added')
               + (SELECT count(*) FROM audit WHERE action = 'removed')))sql");
  expect_none("broken foreign keys", "SELECT count(*) FROM pragma_foreign_key_check");
  const auto integrity = tx.query<std::string>("PRAGMA integrity_check").all();
  if (integrity != std::vector<std::string>{"ok"})
    all.problems.push_back("the integrity check says: " + integrity.front());
}

void check_full_text(Store& store, Statistics& all) {
  try {
    store.report_lane().write([](WriteTx& tx) {
      tx.execute("INSERT INTO chunk_text(chunk_text, rank) VALUES ('integrity-check', 1)");
    });
  } catch (const turnstile::StorageError& error) {
    all.problems.push_back("the full-text index differs from the texts: " +
                           std::string(error.message()));
  }
}

}  // namespace

Statistics gather_statistics(Store& store) {
  Statistics all = store.report_lane().read([](ReadTx& tx) {
    Statistics statistics;
    statistics.documents = count(tx, "SELECT count(*) FROM document");
    statistics.cut_off = count(tx, "SELECT count(*) FROM document WHERE cut_off");
    statistics.chunks = count(tx, "SELECT count(*) FROM chunk");
    statistics.text_bytes = count(tx, "SELECT coalesce(sum(length(body)), 0) FROM chunk");
    statistics.passed_over = count(tx, "SELECT count(*) FROM passed_over");
    statistics.pending = count(tx, "SELECT count(*) FROM work");
    statistics.audit_events = count(tx, "SELECT count(*) FROM audit");
    count_runs(tx, statistics);
    check_agreement(tx, statistics);
    return statistics;
  });
  check_full_text(store, all);
  return all;
}

}  // namespace kb
