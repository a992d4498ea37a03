#include "audit/chain.h"

#include <sodium.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "audit/hex.h"
#include "audit/times.h"
#include "sqlite/error_code.h"

namespace turnstile::audit {

namespace {

const unsigned char* raw(const std::byte* bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes);
}

// So that the fastest implementation for this processor is used. Fails only where the system has no
// random numbers, and then with an end of the program by libsodium itself.
void start_sodium() {
  static const int started = sodium_init();
  static_cast<void>(started);
}

/// One BLAKE2b. None of the calls can fail with these sizes. Threads: confined.
class Hasher {
 public:
  Hasher(const AuditKey& key, std::string_view about) {
    start_sodium();
    crypto_generichash_init(&state_, raw(key.bytes().data()), key.bytes().size(),
                            std::tuple_size_v<AuditHash>);
    add(about);
  }

  Hasher& add(std::int64_t number) {
    std::array<unsigned char, 8> bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i)
      bytes.at(i) = static_cast<unsigned char>(static_cast<std::uint64_t>(number) >> (8 * i));
    crypto_generichash_update(&state_, bytes.data(), bytes.size());
    return *this;
  }
  Hasher& add(std::string_view text) {
    return add_bytes(reinterpret_cast<const unsigned char*>(text.data()), text.size());
  }
  Hasher& add(std::span<const std::byte> bytes) {
    return add_bytes(raw(bytes.data()), bytes.size());
  }
  Hasher& add(std::chrono::system_clock::time_point time) { return add(to_microseconds(time)); }

  [[nodiscard]] AuditHash finish() {
    AuditHash hash{};
    crypto_generichash_final(&state_, reinterpret_cast<unsigned char*>(hash.data()), hash.size());
    return hash;
  }

 private:
  Hasher& add_bytes(const unsigned char* bytes, std::size_t size) {
    add(static_cast<std::int64_t>(size));
    crypto_generichash_update(&state_, bytes, size);
    return *this;
  }

  crypto_generichash_state state_{};
};

}  // namespace

LogId make_log_id() {
  start_sodium();
  LogId log{};
  randombytes_buf(log.data(), log.size());
  return log;
}

KeyId key_id(const AuditKey& key) {
  KeyId id{};
  if (key.empty()) return id;
  const AuditHash hash = Hasher(key, "turnstile audit key").finish();
  std::copy_n(hash.begin(), id.size(), id.begin());
  return id;
}

AuditHash hash_of_beginning(const AuditKey& key, const LogId& log) {
  return Hasher(key, "turnstile audit beginning").add(log).finish();
}

AuditHash hash_of(const AuditKey& key, const AuditHash& previous, std::int64_t id,
                  const AuditEvent& event) {
  return Hasher(key, "turnstile audit event")
      .add(previous)
      .add(id)
      .add(event.time.value_or(std::chrono::system_clock::time_point()))
      .add(event.actor)
      .add(event.action)
      .add(event.subject)
      .add(event.detail)
      .add(event.trace)
      .add(event.session)
      .finish();
}

AuditHash hash_of(const AuditKey& key, const Head& head) {
  return Hasher(key, "turnstile audit head")
      .add(head.log)
      .add(head.key)
      .add(head.last_id)
      .add(head.last_hash)
      .finish();
}

AuditHash hash_of(const AuditKey& key, const AuditSegment& segment) {
  return Hasher(key, "turnstile audit segment")
      .add(segment.id)
      .add(segment.first_id)
      .add(segment.last_id)
      .add(segment.events)
      .add(segment.flaws)
      .add(segment.first_time)
      .add(segment.last_time)
      .add(segment.sealed_at)
      .add(segment.previous_hash)
      .add(segment.last_hash)
      .finish();
}

AuditHash hash_of(const AuditKey& key, const ExportStart& start, const ExportEnd& end) {
  return Hasher(key, "turnstile audit export")
      .add(start.log)
      .add(start.key)
      .add(start.after)
      .add(start.previous_hash.value_or(AuditHash{}))
      .add(end.events)
      .add(end.last_id)
      .add(end.last_hash)
      .finish();
}

std::string flaw_of(const std::optional<Head>& head, const AuditKey& key) {
  if (!head) return "the head of the log was removed";
  if (head->key != key_id(key))
    return "the log was made with another key than this, or its head was changed";
  if (head->hash != hash_of(key, *head)) return "the head of the log was changed";
  return {};
}

Head require_genuine(const std::optional<Head>& head, const AuditKey& key) {
  const std::string flaw = flaw_of(head, key);
  if (flaw.empty()) return *head;
  Error::Details details;
  details.code = code("AUDIT_CHAIN_BROKEN");
  details.message = flaw;
  throw Error(std::move(details));
}

AuditAnchor anchor_of(const Head& head) {
  return {.log = to_hex(head.log), .id = head.last_id, .hash = head.last_hash};
}

}  // namespace turnstile::audit
