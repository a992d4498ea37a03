#include "statistics.h"

#include <algorithm>
#include <string_view>

#include "actions.h"

namespace kb {

namespace {

using turnstile::ReadTx;

template <class... Args>
std::int64_t number(ReadTx& tx, std::string_view sql, const Args&... args) {
  return tx.query<std::int64_t>(sql, args...).one();
}

std::int64_t events(ReadTx& tx, std::string_view action) {
  return number(tx, "SELECT count(*) FROM audit_event WHERE action = ?", action);
}

// What of a table that its subsystem makes when it is used for the first time.
std::int64_t number_if_there(ReadTx& tx, std::string_view table, std::string_view sql) {
  const bool there = number(tx, "SELECT count(*) FROM sqlite_schema WHERE name = ?", table) > 0;
  return there ? number(tx, sql) : 0;
}

Check equal(std::string name, std::int64_t left, std::int64_t right) {
  return {std::move(name), left == right, std::to_string(left) + " and " + std::to_string(right)};
}

Check none(std::string name, std::int64_t count) {
  return {std::move(name), count == 0, std::to_string(count) + " found"};
}

Check sound(std::string name, const std::vector<std::string>& faults) {
  return {std::move(name), faults.empty(), faults.empty() ? "sound" : faults.front()};
}

Check integrity(ReadTx& tx) {
  const auto lines =
      tx.query<std::string>("SELECT integrity_check FROM pragma_integrity_check").all();
  return {"integrity check", lines == std::vector<std::string>{"ok"},
          lines.empty() ? "no answer" : lines.front()};
}

Check chain(const Knowledge& knowledge) {
  const turnstile::AuditVerification verification = knowledge.audit.trail().verify();
  return {"audit chain", verification.ok(),
          verification.ok() ? std::to_string(verification.events) + " events"
                            : verification.findings.front().message};
}

Statistics count(ReadTx& tx) {
  Statistics result;
  result.documents = number(tx, "SELECT count(*) FROM document");
  result.chunks = number(tx, "SELECT count(*) FROM chunk");
  result.text_bytes = number(tx, "SELECT coalesce(sum(text_bytes), 0) FROM document");
  result.truncated = number(tx, "SELECT count(*) FROM document WHERE truncated");
  result.skipped = number(tx, "SELECT count(*) FROM skipped");
  result.queued =
      number(tx, "SELECT count(*) FROM task_item WHERE state IN ('pending', 'running')");
  result.tasks_done = number(tx, "SELECT count(*) FROM task_item WHERE state = 'done'");
  result.looks = number_if_there(tx, "cron_run", "SELECT count(*) FROM cron_run");
  result.audit_events = number(tx, "SELECT count(*) FROM audit_event");
  result.added = events(tx, action::kAdded);
  result.changed = events(tx, action::kChanged);
  result.removed = events(tx, action::kRemoved);
  return result;
}

// Each change is the work of one task and has one event, of the embedding too.
std::vector<Check> comparisons(ReadTx& tx, const Statistics& statistics) {
  return {none("documents without all their chunks",
               number(tx,
                      "SELECT count(*) FROM document WHERE chunk_count <> (SELECT count(*) FROM "
                      "chunk WHERE chunk.document_id = document.id)")),
          equal("audited additions less removals, and documents",
                statistics.added - statistics.removed, statistics.documents),
          none("tasks that were given up", number(tx,
                                                  "SELECT count(*) FROM task_item WHERE state IN "
                                                  "('failed', 'cancelled')")),
          none("tasks that were done twice",
               number(tx,
                      "SELECT count(*) FROM (SELECT 1 FROM task_attempt WHERE outcome = 'done' "
                      "GROUP BY task HAVING count(*) > 1)")),
          none("changes that were audited twice",
               number(tx,
                      "SELECT count(*) FROM (SELECT 1 FROM audit_event WHERE trace <> '' "
                      "GROUP BY trace, action HAVING count(*) > 1)")),
          none("due times that were run twice",
               number_if_there(tx, "cron_run",
                               "SELECT count(*) FROM (SELECT 1 FROM cron_run GROUP BY job, due "
                               "HAVING count(*) > 1)")),
          none("broken foreign keys", number(tx, "SELECT count(*) FROM pragma_foreign_key_check")),
          integrity(tx)};
}

}  // namespace

bool Statistics::is_consistent() const {
  return std::ranges::all_of(checks, [](const Check& check) { return check.passed; });
}

Statistics statistics_of(const Knowledge& knowledge, const turnstile::Lane& lane) {
  Statistics result = lane.read([&](ReadTx& tx) {
    Statistics statistics = count(tx);
    statistics.checks = comparisons(tx, statistics);
    return statistics;
  });
  result.vectors = knowledge.vectors.stats().items;
  // While tasks are left, vectors are too.
  if (result.queued == 0)
    result.checks.push_back(equal("chunks and vectors", result.chunks, result.vectors));
  result.checks.push_back(sound("vectors", knowledge.vectors.check()));
  result.checks.push_back(sound("index of words", knowledge.words.check()));
  result.checks.push_back(chain(knowledge));
  return result;
}

}  // namespace kb
