#include "audit/chain_reader.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace turnstile::audit {

namespace {

// Some milliseconds of reading and hashing.
constexpr int kSlice = 1000;
constexpr std::size_t kSliceBytes = std::size_t{1} << 20;

}  // namespace

ChainReader::ChainReader(const Lane& lane, const Limits& limits, std::stop_token stop)
    : lane_(lane), stop_(std::move(stop)) {
  lane.read(CallOptions{.stop = stop_}, [&](ReadTx& tx) {
    require_log(tx);
    head_ = read_head(tx);
    last_ = tx.query<std::int64_t>("SELECT coalesce(max(id), 0) FROM audit_event").one();
    const auto tail = read_tail(tx);
    after_ =
        std::clamp<std::int64_t>(limits.after, 0, tail ? std::max<std::int64_t>(tail->id, 0) : 0);
    segments_ = read_segments(tx, after_ + 1);
    if (!segments_.empty()) after_ = std::min(after_, segments_.front().first_id - 1);
    previous_hash_ = find_previous_hash(tx);
  });
  if (limits.until) last_ = std::min(last_, *limits.until);
  // Rows with ids that no log gives are looked at too, when it begins at the beginning.
  place_ = after_ > 0 ? after_ : std::numeric_limits<std::int64_t>::min();
}

std::optional<AuditHash> ChainReader::find_previous_hash(ReadTx& tx) const {
  if (!segments_.empty() && segments_.front().first_id == after_ + 1)
    return segments_.front().previous_hash;
  for (const Row row :
       tx.query("SELECT " + std::string(kRecordColumns) + " FROM audit_event WHERE id = ?", after_))
    return read_record(row).record.hash;
  for (const AuditSegment& segment : read_segments(tx, after_))
    if (segment.last_id == after_) return segment.last_hash;
  return std::nullopt;
}

void ChainReader::visit(ChainVisitor& visitor, const ProgressSink& progress,
                        std::string_view phase) {
  for (const AuditSegment& segment : segments_) {
    visitor.segment(segment, false);
    sealed_ = std::max(sealed_, segment.last_id);
  }
  const std::int64_t total = std::max<std::int64_t>(last_ - std::max(sealed_, after_), 0);
  std::int64_t done = 0;
  for (;;) {
    const std::int64_t count = lane_.read(CallOptions{.stop = stop_},
                                          [&](ReadTx& tx) { return visit_slice(tx, visitor); });
    visitor.between_reads();
    done += count;
    if (progress) progress({.phase = phase, .done = done, .total = std::max(total, done)});
    if (count == 0) return;
  }
}

void ChainReader::visit_new_segments(ReadTx& tx, ChainVisitor& visitor) {
  const std::int64_t known = std::max(sealed_, place_);
  const auto newest = read_last_segment(tx);
  if (!newest || newest->last_id <= known) return;
  for (const AuditSegment& segment : read_segments(tx, known + 1)) {
    visitor.segment(segment, true);
    sealed_ = std::max(sealed_, segment.last_id);
  }
}

std::int64_t ChainReader::visit_slice(ReadTx& tx, ChainVisitor& visitor) {
  visit_new_segments(tx, visitor);
  std::int64_t count = 0;
  std::size_t bytes = 0;
  for (const Row row : tx.query("SELECT " + std::string(kRecordColumns) +
                                    " FROM audit_event WHERE id > ? AND id <= ? ORDER BY id "
                                    "LIMIT ?",
                                place_, last_, kSlice)) {
    const RecordOrFault stored = read_record(row);
    place_ = stored.record.id;
    ++count;
    stored.fault.empty() ? visitor.event(stored.record) : visitor.unreadable(place_, stored.fault);
    bytes += stored.record.event.detail.size();
    if (bytes > kSliceBytes) break;
  }
  return count;
}

}  // namespace turnstile::audit
