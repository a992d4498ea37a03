#include <istream>
#include <string>
#include <utility>
#include <variant>

#include "audit/chain_check.h"
#include "audit/export_line.h"
#include "audit/hex.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "turnstile/audit_trail.h"

namespace turnstile {

namespace {

using audit::ChainCheck;
using audit::ExportEnd;
using audit::ExportStart;

constexpr std::int64_t kLinesBetweenLooks = 1000;

[[noreturn]] void raise_invalid(const std::string& message) {
  Error::Details details;
  details.code = code("AUDIT_EXPORT_INVALID");
  details.message = message;
  throw Error(std::move(details));
}

/// Reads an export line by line. Threads: confined.
class ExportVerifier {
 public:
  ExportVerifier(const AuditKey& key, const AuditVerifyOptions& options)
      : key_(key), options_(options), check_(key, options.max_findings, result_) {}

  AuditVerification run(std::istream& in) {
    for (std::string line; !is_of_another_key_ && std::getline(in, line);) {
      if (++lines_ % kLinesBetweenLooks == 0) look_up();
      take(line);
    }
    if (in.bad()) raise_invalid("the export cannot be read behind line " + std::to_string(lines_));
    if (!start_) raise_invalid("the export is empty");
    if (!is_of_another_key_ && !has_end_) {
      check_.add(AuditFlaw::Head, check_.last_id(), check_.last_id(),
                 "the export was cut off behind event " + std::to_string(check_.last_id()));
      check_.end();
      result_.head.id = check_.last_id();
    }
    return std::move(result_);
  }

 private:
  void look_up() const {
    if (options_.stop.stop_requested()) sqlite::raise_stopped(Call{});
    if (options_.progress) options_.progress({.phase = "verify", .done = result_.events});
  }

  void take(const std::string& line) {
    const auto parsed = audit::parse_line(line);
    const bool is_start = parsed && std::holds_alternative<ExportStart>(*parsed);
    if (!parsed || has_end_ || is_start == start_.has_value()) {
      raise_invalid("line " + std::to_string(lines_) +
                    " is not one of an exported audit log, or not in its place");
    }
    std::visit([this](const auto& part) { take_part(part); }, *parsed);
  }

  void take_part(const ExportStart& start) {
    start_ = start;
    result_.keyed = start.key != audit::KeyId{};
    result_.head.log = audit::to_hex(start.log);
    is_of_another_key_ = start.key != audit::key_id(key_);
    if (is_of_another_key_) {
      check_.add(AuditFlaw::Head, start.after, start.after,
                 "the log was made with another key than this");
      return;
    }
    if (options_.anchor) check_.look_for(*options_.anchor, result_.head.log);
    const bool is_whole = start.after == 0;
    check_.begin(start.after,
                 is_whole ? audit::hash_of_beginning(key_, start.log) : start.previous_hash);
  }
  void take_part(const AuditSegment& segment) {
    check_.segment(segment, segment.first_id <= check_.last_id());
  }
  void take_part(const AuditRecord& record) { check_.event(record); }
  void take_part(const audit::BadEvent& bad) {
    check_.unreadable(bad.id, "line " + std::to_string(lines_) + " cannot be read");
  }
  void take_part(const ExportEnd& end) {
    has_end_ = true;
    result_.head.id = end.last_id;
    result_.head.hash = end.last_hash;
    if (end.hash != audit::hash_of(key_, *start_, end) || end.events != result_.events) {
      check_.add(AuditFlaw::Head, end.last_id, end.last_id,
                 "the beginning or the end of the export was changed, or made without the key");
    }
    check_.end(end.last_id, end.last_hash);
  }

  const AuditKey& key_;
  const AuditVerifyOptions& options_;
  AuditVerification result_;
  ChainCheck check_;
  std::optional<ExportStart> start_;
  bool is_of_another_key_ = false;
  bool has_end_ = false;
  std::int64_t lines_ = 0;
};

}  // namespace

AuditVerification verify_audit_export(std::istream& in, const AuditKey& key,
                                      const AuditVerifyOptions& options) {
  return ExportVerifier(key, options).run(in);
}

}  // namespace turnstile
