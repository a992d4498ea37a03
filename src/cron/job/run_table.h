// The runs in the file: the history, and whose a run is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cron/job/due.h"
#include "turnstile/cron.h"
#include "turnstile/transaction.h"

namespace turnstile::cron {

/// For `SELECT ... FROM cron_run r JOIN cron_job j ON j.id = r.job`.
[[nodiscard]] std::string_view run_columns() noexcept;
[[nodiscard]] CronRecord read_run(const Row& row);

[[nodiscard]] std::optional<CronRecord> find_run(ReadTx& tx, std::int64_t id);
/// The newest, of one job or of all.
[[nodiscard]] std::vector<CronRecord> history(ReadTx& tx, std::optional<std::string_view> name,
                                              std::size_t limit);

/// Ends a run that is still its owner's: `record` says who that is, and what the run is to be from
/// now on. False when it is not his any more, and nothing was changed.
bool end_run(WriteTx& tx, const CronRecord& record);

/// Removes the oldest ended runs of a job beyond so many.
void prune_runs(WriteTx& tx, std::int64_t job_id, int keep);

/// At most `limit` bytes of `text`, cut between characters; what is not UTF-8 becomes U+FFFD.
[[nodiscard]] std::string bounded_text(std::string_view text, std::size_t limit);

}  // namespace turnstile::cron
