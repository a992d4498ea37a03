// Goes through the chain in a database, in slices: each is a read of its own, so that the log of
// SQLite is not kept, and others may prune in between.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "audit/tables.h"
#include "turnstile/lane.h"
#include "turnstile/progress.h"

namespace turnstile::audit {

/// What is told of a chain, in its order. Threads: confined.
class ChainVisitor {
 public:
  virtual ~ChainVisitor() = default;
  /// Comes before the events that are behind it. `meanwhile`: it was made, or has grown, since the
  /// reading began.
  virtual void segment(const AuditSegment& segment, bool meanwhile) = 0;
  virtual void event(const AuditRecord& record) = 0;
  virtual void unreadable(std::int64_t id, const std::string& why) = 0;
  /// Between two reads: the place for what may take long.
  virtual void between_reads() {}
};

/// Threads: confined.
class ChainReader {
 public:
  struct Limits {
    std::int64_t after = 0;               ///< Begin behind this id.
    std::optional<std::int64_t> until{};  ///< End with this id, or with the newest event.
  };
  /// Reads what was there at this moment, in one read: the head, the seals, and how far it goes.
  ChainReader(const Lane& lane, const Limits& limits, std::stop_token stop);

  [[nodiscard]] const std::optional<Head>& head() const noexcept { return head_; }
  /// Where it begins: behind this id. Less than asked for when a seal goes over it, or when the
  /// log is not that long.
  [[nodiscard]] std::int64_t after() const noexcept { return after_; }
  /// Of that event, if it is known.
  [[nodiscard]] const std::optional<AuditHash>& previous_hash() const noexcept {
    return previous_hash_;
  }

  /// Throws what reading throws, what `visitor` throws, and Cancelled.
  void visit(ChainVisitor& visitor, const ProgressSink& progress, std::string_view phase);

 private:
  [[nodiscard]] std::optional<AuditHash> find_previous_hash(ReadTx& tx) const;
  void visit_new_segments(ReadTx& tx, ChainVisitor& visitor);
  [[nodiscard]] std::int64_t visit_slice(ReadTx& tx, ChainVisitor& visitor);

  const Lane& lane_;
  const std::stop_token stop_;
  std::optional<Head> head_;
  std::vector<AuditSegment> segments_;
  std::int64_t after_ = 0;
  std::optional<AuditHash> previous_hash_;
  std::int64_t last_ = 0;    // It ends there.
  std::int64_t place_ = 0;   // The last id that was visited.
  std::int64_t sealed_ = 0;  // The last id that the visited seals are about.
};

}  // namespace turnstile::audit
