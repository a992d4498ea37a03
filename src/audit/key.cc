#include <sodium.h>

#include <algorithm>

#include "audit/hex.h"
#include "sqlite/call.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "turnstile/audit_trail.h"

namespace turnstile {

namespace {

constexpr std::size_t kShortest = crypto_generichash_KEYBYTES_MIN;
constexpr std::size_t kLongest = crypto_generichash_KEYBYTES_MAX;
static_assert(kShortest == 16 && kLongest == 64);

[[noreturn]] void raise_invalid(const std::string& what, std::source_location where) {
  Call call;
  call.where = where;
  sqlite::raise_misuse(code("AUDIT_KEY_INVALID"), "a key of an audit log " + what, call);
}

}  // namespace

AuditKey::AuditKey(std::span<const std::byte> bytes, std::source_location where)
    : size_(bytes.size()) {
  if (bytes.size() < kShortest || bytes.size() > kLongest)
    raise_invalid("has " + std::to_string(bytes.size()) + " bytes", where);
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

AuditKey AuditKey::from_hex(std::string_view digits, std::source_location where) {
  std::array<std::byte, kLongest> bytes{};
  const std::span<std::byte> used = std::span(bytes).first(std::min(digits.size() / 2, kLongest));
  const bool are_digits = audit::from_hex(digits.substr(0, 2 * used.size()), used);
  const bool fits = digits.size() == 2 * used.size();
  const AuditKey key = are_digits && fits ? AuditKey(used, where) : AuditKey();
  sodium_memzero(bytes.data(), bytes.size());
  if (key.empty()) raise_invalid("is not 32 to 128 hexadecimal digits", where);
  return key;
}

AuditKey::~AuditKey() {
  sodium_memzero(bytes_.data(), bytes_.size());
}

}  // namespace turnstile
