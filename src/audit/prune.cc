#include "audit/prune.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "audit/chain_check.h"
#include "audit/event_check.h"
#include "audit/tables.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::audit {

namespace {

using std::chrono::milliseconds;

// How long a transaction may keep others from writing.
constexpr milliseconds kSliceTime{5};
constexpr std::int64_t kFirstSlice = 128;
constexpr std::int64_t kSmallestSlice = 16;
constexpr std::int64_t kLargestSlice = 4096;
// A segment that is smaller is gone on with by the next prune(), so that there are never many.
constexpr std::int64_t kSmallestSegment = 10'000;

[[noreturn]] void raise_broken(const std::string& what, const WriteTx& tx,
                               std::source_location where) {
  Error::Details details;
  details.code = code("AUDIT_CHAIN_BROKEN");
  details.message = "the audit log is not pruned further, because that would cover up that " + what;
  details.lane = tx.lane();
  details.where = where;
  throw Error(std::move(details));
}

/// One call of prune(). Threads: confined.
class Pruning {
 public:
  Pruning(const Lane& lane, const AuditOptions& log, const AuditRetention& retention,
          const AuditPruneOptions& options, std::source_location where)
      : lane_(options.lane.value_or(lane)),
        key_(log.key),
        options_(options),
        where_(where),
        now_(now(log)),
        keep_(retention.max_events.value_or(std::numeric_limits<std::int64_t>::max())) {
    if (retention.max_age) oldest_ = now_ - *retention.max_age;
  }

  AuditPruneReport run() {
    std::int64_t rows = kFirstSlice;
    for (;;) {
      std::chrono::nanoseconds took{};
      const std::int64_t removed = lane_.write(
          CallOptions{.stop = options_.stop},
          [&](WriteTx& tx) {
            const auto start = std::chrono::steady_clock::now();
            const std::int64_t count = remove_oldest(tx, rows);
            took = std::chrono::steady_clock::now() - start;
            return count;
          },
          where_);
      if (removed == 0) return report_;
      report_.removed += removed;
      ++report_.transactions;
      report_.segment = segment_;
      rows = next_size(rows, took);
      if (options_.progress) options_.progress({.phase = "prune", .done = report_.removed});
    }
  }

 private:
  // As many as take the time of a slice, as far as the last one tells.
  static std::int64_t next_size(std::int64_t rows, std::chrono::nanoseconds took) {
    const auto fitting = rows * std::chrono::nanoseconds(kSliceTime).count() /
                         std::max<std::int64_t>(took.count(), 1);
    return std::clamp(std::clamp(fitting, rows / 2, rows * 2), kSmallestSlice, kLargestSlice);
  }

  std::int64_t remove_oldest(WriteTx& tx, std::int64_t rows) {
    AuditVerification found;
    ChainCheck check(key_, 1, found);
    AuditSegment segment = open_segment(tx, check);
    const std::int64_t count = look_at_oldest(tx, rows, check, segment);
    if (count == 0) return 0;
    if (!found.ok() && !options_.even_if_broken) {
      const AuditFinding& finding = found.findings.front();
      raise_broken(finding.message, tx, where_);
    }
    tx.execute("DELETE FROM audit_event WHERE id <= ?", last_looked_at_);
    segment.events += count;
    segment.flaws += static_cast<std::int64_t>(found.flaws);
    segment.sealed_at = std::chrono::floor<std::chrono::microseconds>(now_);
    segment.hash = hash_of(key_, segment);
    write_segment(tx, segment);
    segment_ = segment;
    return count;
  }

  // The last segment, or a new one behind it.
  AuditSegment open_segment(WriteTx& tx, ChainCheck& check) {
    const auto last = read_last_segment(tx);
    AuditSegment next{.id = 1, .first_id = 1};
    if (!last) {
      const auto head = read_head(tx);
      std::optional<AuditHash> beginning;
      if (head) beginning = hash_of_beginning(key_, head->log);
      check.begin(0, beginning);
      next.previous_hash = beginning.value_or(AuditHash{});
      return next;
    }
    const bool is_genuine = last->hash == hash_of(key_, *last);
    if (!is_genuine && !options_.even_if_broken)
      raise_broken("segment " + std::to_string(last->id) + " was changed", tx, where_);
    check.begin(last->last_id, last->last_hash);
    const bool is_ours = segment_ && segment_->id == last->id;
    if (is_genuine && (is_ours || last->events < kSmallestSegment)) return *last;
    next.id = last->id + 1;
    next.first_id = last->last_id + 1;
    next.last_id = last->last_id;
    next.previous_hash = last->last_hash;
    next.last_hash = last->last_hash;
    return next;
  }

  // Counts those to be removed, and makes them part of the segment.
  std::int64_t look_at_oldest(WriteTx& tx, std::int64_t rows, ChainCheck& check,
                              AuditSegment& segment) {
    const auto newest =
        tx.query<std::int64_t>("SELECT coalesce(max(id), 0) FROM audit_event").one();
    const std::int64_t surplus = newest - std::min(keep_, newest);
    std::int64_t count = 0;
    for (const Row row :
         tx.query("SELECT " + std::string(kRecordColumns) + " FROM audit_event ORDER BY id LIMIT ?",
                  rows)) {
      const RecordOrFault stored = read_record(row);
      const AuditRecord& record = stored.record;
      if (record.id > surplus && !(oldest_ && *record.event.time < *oldest_)) break;
      stored.fault.empty() ? check.event(record) : check.unreadable(record.id, stored.fault);
      last_looked_at_ = record.id;
      ++count;
      if (record.id <= segment.last_id) continue;  // Somebody has put it in, below the seals.
      if (segment.last_id < segment.first_id) segment.first_time = *record.event.time;
      segment.last_time = *record.event.time;
      segment.last_id = record.id;
      segment.last_hash = record.hash;
    }
    return count;
  }

  const Lane lane_;
  const AuditKey& key_;
  const AuditPruneOptions& options_;
  const std::source_location where_;
  const std::chrono::system_clock::time_point now_;
  const std::int64_t keep_;
  std::optional<std::chrono::system_clock::time_point> oldest_;
  std::optional<AuditSegment> segment_;  // What the last transaction wrote.
  std::int64_t last_looked_at_ = 0;
  AuditPruneReport report_;
};

}  // namespace

AuditPruneReport prune(const Lane& lane, const AuditOptions& log, const AuditRetention& retention,
                       const AuditPruneOptions& options, std::source_location where) {
  const bool is_wrong = (!retention.max_age && !retention.max_events) ||
                        (retention.max_age && retention.max_age->count() < 0) ||
                        (retention.max_events && *retention.max_events < 0);
  if (is_wrong) {
    Call call;
    call.lane = lane.name();
    call.where = where;
    sqlite::raise_misuse(
        code("OPTION_INVALID"),
        "AuditRetention needs max_age or max_events, and they must not be negative", call);
  }
  return Pruning(lane, log, retention, options, where).run();
}

}  // namespace turnstile::audit
