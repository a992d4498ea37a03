// Whether a chain is whole, told its seals and events in order: by verify(), by prune() before it
// removes anything, and by the check of an exported file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "audit/chain.h"
#include "turnstile/audit_trail.h"

namespace turnstile::audit {

/// One piece of damage is one finding: what follows a changed or missing event is compared with
/// what that event was, or with nothing.
///
/// Threads: confined.
class ChainCheck {
 public:
  /// Findings go into `result`, at most `max_findings` of them.
  ChainCheck(const AuditKey& key, std::size_t max_findings, AuditVerification& result)
      : key_(key), max_findings_(max_findings), result_(result) {}

  /// Before begin(). `log` is the name of this one.
  void look_for(const AuditAnchor& anchor, const std::string& log);

  /// What comes first follows the event `last_id`, which had this hash, if that is known.
  void begin(std::int64_t last_id, std::optional<AuditHash> last_hash);

  /// What comes behind this event is none of the log's.
  void set_newest(std::int64_t id) { newest_ = id; }

  /// `meanwhile`: it may be about events that came before they were sealed.
  void segment(const AuditSegment& segment, bool meanwhile);
  void event(const AuditRecord& record);
  /// A row that cannot be read at all.
  void unreadable(std::int64_t id, const std::string& why);

  /// This should have been the last event.
  void end(std::int64_t last_id, const AuditHash& last_hash);
  /// Nobody knows which one should have been.
  void end();

  void add(AuditFlaw flaw, std::int64_t first_id, std::int64_t last_id, std::string message);

  /// The last id that came.
  [[nodiscard]] std::int64_t last_id() const noexcept { return last_; }

 private:
  [[nodiscard]] bool is_genuine(const AuditSegment& segment);
  void pass(const AuditSegment& segment);
  void expect(std::int64_t id);
  [[nodiscard]] bool follows(const AuditHash& previous) const;
  void go_on(std::int64_t id, std::optional<AuditHash> hash);
  void check_anchor(std::int64_t id, const AuditHash& hash);

  const AuditKey& key_;
  const std::size_t max_findings_;
  AuditVerification& result_;
  std::optional<AuditAnchor> anchor_;

  std::optional<std::int64_t> newest_;
  std::int64_t last_ = 0;
  std::optional<AuditHash> hash_;     // Of the last one; empty: nobody knows.
  std::optional<AuditHash> rebuilt_;  // What a changed one should have had; as good.
  bool may_jump_ = false;             // Nobody knows up to where a changed seal went.
  bool has_grown_ = false;            // A seal may go further than the log did at the beginning.
};

}  // namespace turnstile::audit
