#include "audit/event_check.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "audit/json_text.h"
#include "audit/tables.h"
#include "audit/times.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "sqlite/utf8.h"

namespace turnstile::audit {

namespace {

constexpr std::size_t kLongestName = 255;
constexpr std::size_t kLongestSubject = 1024;
constexpr std::size_t kLongestDetail = std::size_t{1} << 20;

Call call_at(std::source_location where) {
  Call call;
  call.where = where;
  return call;
}

/// Checks the parts of one event. Threads: confined.
class EventCheck {
 public:
  explicit EventCheck(std::source_location where) : where_(where) {}

  [[noreturn]] void fail(std::string_view part, const std::string& what) const {
    sqlite::raise_misuse(code("AUDIT_EVENT_INVALID"),
                         "the " + std::string(part) + " of an audit event " + what,
                         call_at(where_));
  }

  void text(std::string_view part, const std::string& text, std::size_t longest) const {
    size(part, text, longest);
    if (text.find('\0') != text.npos) fail(part, "has a NUL in it");
    const std::size_t invalid = sqlite::find_invalid_utf8(text);
    if (invalid != text.npos)
      fail(part, "is not UTF-8 from byte " + std::to_string(invalid) + " on");
  }

  void detail(std::string& detail) const {
    if (detail.empty()) detail = "{}";
    size("detail", detail, kLongestDetail);
    std::string compact;
    if (const auto fault = make_compact(detail, compact)) {
      fail("detail", "is not JSON: at byte " + std::to_string(fault->offset) + " there should be " +
                         std::string(fault->expected));
    }
    detail = std::move(compact);
  }

 private:
  void size(std::string_view part, const std::string& text, std::size_t longest) const {
    if (text.size() <= longest) return;
    fail(part, "has " + std::to_string(text.size()) + " bytes; " + std::to_string(longest) +
                   " are allowed");
  }

  std::source_location where_;
};

bool is_taken(const std::string& action, const AuditOptions& options) {
  return options.actions.empty() ||
         std::find(options.actions.begin(), options.actions.end(), action) != options.actions.end();
}

}  // namespace

AuditEvent checked(AuditEvent event, const AuditOptions& options, std::source_location where) {
  const EventCheck check(where);
  if (event.action.empty()) check.fail("action", "is empty");
  if (event.action.starts_with(kOwnActions))
    check.fail("action", "begins with '" + std::string(kOwnActions) + "', which is the log's own");
  check.text("action", event.action, kLongestName);
  if (!is_taken(event.action, options))
    check.fail("action", "is '" + event.action + "', which is not one of AuditOptions::actions");
  if (event.actor.empty()) event.actor = options.actor;
  check.text("actor", event.actor, kLongestName);
  check.text("subject", event.subject, kLongestSubject);
  check.text("trace", event.trace, kLongestName);
  check.text("session", event.session, kLongestName);
  check.detail(event.detail);
  event.time = std::chrono::floor<std::chrono::microseconds>(event.time.value_or(now(options)));
  if (*event.time < kEarliest || *event.time >= kLatest)
    check.fail("time", "is not in the years 1700 to 2199");
  return event;
}

std::chrono::system_clock::time_point now(const AuditOptions& options) {
  return options.now ? options.now() : std::chrono::system_clock::now();
}

void check(const AuditOptions& options, std::source_location where) {
  const auto require = [where](bool holds, const char* message) {
    if (!holds) sqlite::raise_misuse(code("OPTION_INVALID"), message, call_at(where));
  };
  require(!options.actor.empty(), "AuditOptions::actor must not be empty");
  require(options.queue_limit > 0, "AuditOptions::queue_limit must be at least 1");
  require(options.group_size > 0, "AuditOptions::group_size must be at least 1");
  require(options.wait.count() >= 0 && options.linger.count() >= 0,
          "AuditOptions::wait and linger must not be negative");
}

}  // namespace turnstile::audit
