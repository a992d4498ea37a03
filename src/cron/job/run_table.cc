#include "cron/job/run_table.h"

#include <algorithm>
#include <utility>

#include "cron/job/codecs.h"
#include "sqlite/utf8.h"

namespace turnstile::cron {

std::string_view run_columns() noexcept {
  return "r.id, r.job, j.name, r.due, r.status, r.due_times, r.started, r.finished, r.owner, "
         "r.fence, r.text";
}

CronRecord read_run(const Row& row) {
  CronRecord run;
  int column = 0;
  run.id = row.get<std::int64_t>(column++);
  run.job_id = row.get<std::int64_t>(column++);
  run.job = row.get<std::string>(column++);
  run.due = row.get<TimePoint>(column++);
  run.status = row.get<CronStatus>(column++);
  run.due_times = row.get<std::int64_t>(column++);
  run.started = row.get<std::optional<TimePoint>>(column++);
  run.finished = row.get<std::optional<TimePoint>>(column++);
  run.owner = row.get<std::string>(column++);
  run.fence = row.get<std::int64_t>(column++);
  run.text = row.get<std::string>(column++);
  return run;
}

std::optional<CronRecord> find_run(ReadTx& tx, std::int64_t id) {
  const std::string sql = "SELECT " + std::string(run_columns()) +
                          " FROM cron_run r JOIN cron_job j ON j.id = r.job WHERE r.id = ?";
  for (const Row& row : tx.query<>(sql, id))
    return read_run(row);
  return std::nullopt;
}

std::vector<CronRecord> history(ReadTx& tx, std::optional<std::string_view> name,
                                std::size_t limit) {
  const std::string sql = "SELECT " + std::string(run_columns()) +
                          " FROM cron_run r JOIN cron_job j ON j.id = r.job "
                          "WHERE j.name = ?1 OR ?1 IS NULL ORDER BY r.id DESC LIMIT ?2";
  std::vector<CronRecord> runs;
  for (const Row& row : tx.query<>(sql, name, limit))
    runs.push_back(read_run(row));
  return runs;
}

bool end_run(WriteTx& tx, const CronRecord& record) {
  const auto ended = tx.execute(
      "UPDATE cron_run SET status = ?, finished = ?, text = ?, lease = NULL "
      "WHERE id = ? AND owner = ? AND fence = ? AND status = 'running'",
      record.status, record.finished, record.text, record.id, record.owner, record.fence);
  if (ended.changes == 0) return false;
  tx.execute("UPDATE cron_job SET last_status = ? WHERE id = ?", record.status, record.job_id);
  return true;
}

void prune_runs(WriteTx& tx, std::int64_t job_id, int keep) {
  tx.execute(
      "DELETE FROM cron_run WHERE job = ?1 AND status NOT IN ('queued', 'running') AND due <= "
      "(SELECT due FROM cron_run WHERE job = ?1 AND status NOT IN ('queued', 'running') "
      "ORDER BY due DESC LIMIT 1 OFFSET ?2)",
      job_id, keep);
}

std::string bounded_text(std::string_view text, std::size_t limit) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string result;
  while (!text.empty() && result.size() < limit) {
    const std::size_t valid = std::min(sqlite::find_invalid_utf8(text), text.size());
    const std::size_t room = limit - result.size();
    std::size_t size = std::min(valid, room);
    // Not in the middle of a character: what follows the cut must not continue it.
    while (size < valid && size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U)
      --size;
    result += text.substr(0, size);
    if (size < valid || valid == text.size() || result.size() + kReplacement.size() > limit) break;
    result += kReplacement;
    text.remove_prefix(valid + 1);
  }
  return result;
}

}  // namespace turnstile::cron
