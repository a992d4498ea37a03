#include <utility>

#include "audit/chain_check.h"
#include "audit/chain_reader.h"
#include "turnstile/audit_trail.h"

namespace turnstile {

namespace {

using audit::ChainCheck;

/// Threads: confined.
class Verifier final : public audit::ChainVisitor {
 public:
  explicit Verifier(ChainCheck& check) : check_(check) {}

  void segment(const AuditSegment& segment, bool meanwhile) override {
    check_.segment(segment, meanwhile);
  }
  void event(const AuditRecord& record) override { check_.event(record); }
  void unreadable(std::int64_t id, const std::string& why) override { check_.unreadable(id, why); }

 private:
  ChainCheck& check_;
};

}  // namespace

AuditVerification AuditTrail::verify(const AuditVerifyOptions& options) const {
  AuditVerification result;
  ChainCheck check(key_, options.max_findings, result);
  audit::ChainReader reader(lane_, {}, options.stop);
  const std::optional<audit::Head>& head = reader.head();
  if (head) {
    result.keyed = head->key != audit::KeyId{};
    result.head = audit::anchor_of(*head);
  }
  const std::string flaw = audit::flaw_of(head, key_);
  if (!flaw.empty()) check.add(AuditFlaw::Head, result.head.id, result.head.id, flaw);
  // With another key every single event would be a finding.
  if (head && head->key != audit::key_id(key_)) return result;
  if (options.anchor) check.look_for(*options.anchor, result.head.log);
  std::optional<AuditHash> beginning;
  if (flaw.empty()) {
    beginning = audit::hash_of_beginning(key_, head->log);
    check.set_newest(head->last_id);
  }
  check.begin(0, beginning);
  Verifier verifier(check);
  reader.visit(verifier, options.progress, "verify");
  flaw.empty() ? check.end(head->last_id, head->last_hash) : check.end();
  return result;
}

}  // namespace turnstile
