#include "audit/appender.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "audit/json_text.h"
#include "sqlite/error_code.h"

namespace turnstile::audit {

namespace {

std::string damage_of(const AuditKey& key, const std::optional<Head>& stored,
                      const std::optional<Tail>& tail) {
  if (std::string flaw = flaw_of(stored, key); !flaw.empty()) return flaw;
  const Tail newest = tail.value_or(Tail{0, hash_of_beginning(key, stored->log)});
  if (newest.id < stored->last_id) {
    return "the newest event is " + std::to_string(newest.id) + " and was " +
           std::to_string(stored->last_id);
  }
  if (newest.id > stored->last_id) {
    return "there are events up to " + std::to_string(newest.id) + " and the last one was " +
           std::to_string(stored->last_id);
  }
  if (newest.hash != stored->last_hash) return "the newest event has another hash than it had";
  return {};
}

}  // namespace

Appender::Appender(WriteTx& tx, const AuditKey& key)
    : tx_(tx),
      key_(key),
      insert_(tx.prepare(
          "INSERT INTO audit_event(id, time, actor, action, subject, detail, trace, session, "
          "previous_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")) {
  const std::optional<Head> stored = read_head(tx);
  const std::optional<Tail> tail = read_tail(tx);
  damage_ = damage_of(key, stored, tail);
  if (stored) head_ = *stored;
  if (damage_.empty()) return;
  break_is_due_ = true;
  if (!flaw_of(stored, key).empty())
    head_ = {.log = stored ? stored->log : make_log_id(), .key = key_id(key)};
  // Ids that were removed are not given again.
  head_.last_id = std::max(head_.last_id, tail ? tail->id : 0);
  head_.last_hash = tail ? tail->hash : hash_of_beginning(key, head_.log);
}

std::int64_t Appender::append(const AuditEvent& event, std::chrono::system_clock::time_point now) {
  if (std::exchange(break_is_due_, false)) append_break(now);
  return insert(event);
}

void Appender::append_break(std::chrono::system_clock::time_point now) {
  AuditEvent event{.action = std::string(kBreak),
                   .actor = "system",
                   .time = std::chrono::floor<std::chrono::microseconds>(now)};
  event.detail = R"({"damage":)";
  append_json_string(event.detail, damage_);
  event.detail += '}';
  static_cast<void>(insert(event));
}

std::int64_t Appender::insert(const AuditEvent& event) {
  if (head_.last_id == std::numeric_limits<std::int64_t>::max()) {
    Error::Details details;
    details.code = code("AUDIT_CHAIN_BROKEN");
    details.message = "somebody has put an event with the last possible id into the audit log";
    details.lane = tx_.lane();
    throw Error(std::move(details));
  }
  const std::int64_t id = head_.last_id + 1;
  const AuditHash hash = hash_of(key_, head_.last_hash, id, event);
  insert_.execute(id, *event.time, event.actor, event.action, event.subject, event.detail,
                  event.trace, event.session, head_.last_hash, hash);
  head_.last_id = id;
  head_.last_hash = hash;
  return id;
}

void Appender::finish() {
  insert_ = Statement();
  head_.hash = hash_of(key_, head_);
  write_head(tx_, head_);
}

std::int64_t append_one(WriteTx& tx, const AuditKey& key, const AuditEvent& event,
                        std::chrono::system_clock::time_point now, std::string& damage) {
  Savepoint all_or_nothing = tx.savepoint();
  Appender appender(tx, key);
  const std::int64_t id = appender.append(event, now);
  appender.finish();
  all_or_nothing.release();
  damage = appender.damage();
  return id;
}

}  // namespace turnstile::audit
