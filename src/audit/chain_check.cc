#include "audit/chain_check.h"

#include <utility>

#include "audit/tables.h"

namespace turnstile::audit {

namespace {

std::string range(std::int64_t first, std::int64_t last) {
  if (first == last) return "event " + std::to_string(first);
  return "events " + std::to_string(first) + " to " + std::to_string(last);
}

std::string missing(std::int64_t first, std::int64_t last) {
  return range(first, last) + (first == last ? " is missing" : " are missing");
}

}  // namespace

void ChainCheck::add(AuditFlaw flaw, std::int64_t first_id, std::int64_t last_id,
                     std::string message) {
  ++result_.flaws;
  if (result_.findings.size() < max_findings_)
    result_.findings.push_back({flaw, first_id, last_id, std::move(message)});
}

void ChainCheck::look_for(const AuditAnchor& anchor, const std::string& log) {
  if (anchor.log == log) {
    anchor_ = anchor;
    return;
  }
  result_.anchor = AuditProof::Contradicted;
  add(AuditFlaw::Anchor, anchor.id, anchor.id, "the anchor is of another log");
}

void ChainCheck::begin(std::int64_t last_id, std::optional<AuditHash> last_hash) {
  if (anchor_ && anchor_->id < last_id) result_.anchor = AuditProof::Unknown;
  go_on(last_id, last_hash);
}

// ---- Seals ----

void ChainCheck::segment(const AuditSegment& segment, bool meanwhile) {
  if (!is_genuine(segment) || (meanwhile && segment.last_id <= last_)) return;
  const std::string name = "segment " + std::to_string(segment.id);
  const bool overlaps = segment.first_id <= last_;
  if (segment.last_id < segment.first_id || (overlaps && !meanwhile)) {
    add(AuditFlaw::Segment, segment.id, segment.id,
        name + " seals " + range(segment.first_id, segment.last_id) +
            ", which is not what comes behind event " + std::to_string(last_));
    return;
  }
  if (!overlaps) expect(segment.first_id);
  if (!overlaps && !follows(segment.previous_hash))
    add(AuditFlaw::Segment, segment.id, segment.id, name + " does not follow what is before it");
  has_grown_ = has_grown_ || meanwhile;
  pass(segment);
}

bool ChainCheck::is_genuine(const AuditSegment& segment) {
  if (segment.hash == hash_of(key_, segment)) return true;
  add(AuditFlaw::Segment, segment.id, segment.id,
      "segment " + std::to_string(segment.id) + " was changed, or made without the key");
  go_on(last_, std::nullopt);
  may_jump_ = true;
  return false;
}

void ChainCheck::pass(const AuditSegment& segment) {
  if (segment.flaws > 0) {
    add(AuditFlaw::Segment, segment.id, segment.id,
        "segment " + std::to_string(segment.id) +
            " seals damage; findings: " + std::to_string(segment.flaws));
  }
  if (anchor_ && anchor_->id > last_ && anchor_->id < segment.last_id)
    result_.anchor = AuditProof::Unknown;
  result_.sealed += segment.events;
  result_.segments.push_back(segment);
  go_on(segment.last_id, segment.last_hash);
}

// ---- Events ----

void ChainCheck::event(const AuditRecord& record) {
  ++result_.events;
  if (record.event.action == kGap) ++result_.gaps;
  if (record.id <= last_) {
    add(AuditFlaw::Inserted, record.id, record.id,
        range(record.id, record.id) + " is not one of this log: it is not behind event " +
            std::to_string(last_));
    return;
  }
  if (newest_ && record.id > *newest_) {
    add(AuditFlaw::Inserted, record.id, record.id,
        range(record.id, record.id) + " is not one of this log: its newest is event " +
            std::to_string(*newest_));
    return;
  }
  expect(record.id);
  const AuditHash own = hash_of(key_, record.previous_hash, record.id, record.event);
  const bool was_changed = own != record.hash;
  if (was_changed) {
    add(AuditFlaw::Changed, record.id, record.id,
        range(record.id, record.id) + " was changed, or made without the key");
  } else if (!follows(record.previous_hash)) {
    add(AuditFlaw::Unlinked, record.id, record.id,
        range(record.id, record.id) + " does not follow what is before it");
  } else if (record.event.action == kBreak) {
    add(AuditFlaw::Break, record.id, record.id,
        "the log was damaged when " + range(record.id, record.id) +
            " was recorded: " + record.event.detail);
  }
  go_on(record.id, record.hash);
  if (was_changed) rebuilt_ = own;
}

void ChainCheck::unreadable(std::int64_t id, const std::string& why) {
  ++result_.events;
  if (id > last_) {
    expect(id);
    go_on(id, std::nullopt);
  }
  add(AuditFlaw::Changed, id, id, range(id, id) + " was changed: " + why);
}

void ChainCheck::end(std::int64_t last_id, const AuditHash& last_hash) {
  if (last_ < last_id) {
    if (!may_jump_) {
      add(AuditFlaw::Missing, last_ + 1, last_id,
          missing(last_ + 1, last_id) + ", up to the newest");
    }
  } else if (last_ > last_id) {
    if (!has_grown_) {
      add(AuditFlaw::Inserted, last_id + 1, last_,
          range(last_id + 1, last_) + " came behind event " + std::to_string(last_id) +
              ", which is the newest that the log knows of");
    }
  } else if (!follows(last_hash)) {
    add(AuditFlaw::Head, last_id, last_id,
        range(last_id, last_id) + ", the newest, has another hash than the log remembers");
  }
  end();
}

void ChainCheck::end() {
  if (!anchor_ || result_.anchor != AuditProof::None) return;
  result_.anchor = AuditProof::Contradicted;
  add(AuditFlaw::Anchor, anchor_->id, anchor_->id,
      "the log has not got " + range(anchor_->id, anchor_->id) + ", which the anchor names");
}

// ---- Links ----

void ChainCheck::expect(std::int64_t id) {
  if (std::exchange(may_jump_, false) || id == last_ + 1) return;
  add(AuditFlaw::Missing, last_ + 1, id - 1, missing(last_ + 1, id - 1));
  hash_.reset();
  rebuilt_.reset();
}

bool ChainCheck::follows(const AuditHash& previous) const {
  return !hash_ || previous == *hash_ || (rebuilt_ && previous == *rebuilt_);
}

void ChainCheck::go_on(std::int64_t id, std::optional<AuditHash> hash) {
  last_ = id;
  hash_ = hash;
  rebuilt_.reset();
  if (hash) check_anchor(id, *hash);
}

void ChainCheck::check_anchor(std::int64_t id, const AuditHash& hash) {
  if (!anchor_ || anchor_->id != id) return;
  if (hash == anchor_->hash) {
    result_.anchor = AuditProof::Contained;
    return;
  }
  result_.anchor = AuditProof::Contradicted;
  add(AuditFlaw::Anchor, id, id, range(id, id) + " has another hash than the anchor says");
}

}  // namespace turnstile::audit
