#include <ostream>
#include <string>
#include <utility>

#include "audit/chain_reader.h"
#include "audit/export_line.h"
#include "audit/hex.h"
#include "sqlite/error_code.h"
#include "turnstile/audit_trail.h"

namespace turnstile {

namespace {

/// Collects what a read gives, and writes it when that has ended: a slow stream keeps nobody's
/// snapshot. Threads: confined.
class Exporter final : public audit::ChainVisitor {
 public:
  explicit Exporter(std::ostream& out) : out_(out) {}

  void segment(const AuditSegment& segment, bool) override {
    write(audit::to_line(segment));
    sealed_ = {segment.last_id, segment.last_hash};
  }
  void event(const AuditRecord& record) override {
    write(audit::to_line(record));
    ++events_;
    last_ = {record.id, record.hash};
  }
  void unreadable(std::int64_t id, const std::string& why) override {
    Error::Details details;
    details.code = code("AUDIT_CHAIN_BROKEN");
    details.message = "event " + std::to_string(id) + " cannot be read: " + why;
    throw Error(std::move(details));
  }
  void between_reads() override {
    out_ << lines_;
    lines_.clear();
    if (out_) return;
    Error::Details details;
    details.code = code("AUDIT_EXPORT_FAILED");
    details.message = "the stream that the audit log is exported to failed after " +
                      std::to_string(events_) + " events";
    throw Error(std::move(details));
  }

  void write(const std::string& line) { lines_ += line; }

  [[nodiscard]] std::int64_t events() const noexcept { return events_; }
  [[nodiscard]] const audit::Tail& last() const noexcept { return last_; }
  [[nodiscard]] const audit::Tail& sealed() const noexcept { return sealed_; }

 private:
  std::ostream& out_;
  std::string lines_;
  std::int64_t events_ = 0;
  audit::Tail last_;
  audit::Tail sealed_;
};

/// Where the chain should end, whatever there was of it: so that what is missing is found.
audit::Tail end_of(const audit::Head& head, const AuditExportOptions& options,
                   const audit::ExportStart& start, const Exporter& exporter) {
  audit::Tail end{head.last_id, head.last_hash};
  if (options.until && *options.until < head.last_id) {
    end = {std::max(*options.until, start.after), {}};
    if (end.id == start.after) end.hash = start.previous_hash.value_or(AuditHash{});
    if (end.id == exporter.last().id) end.hash = exporter.last().hash;
  }
  return exporter.sealed().id > end.id ? exporter.sealed() : end;
}

}  // namespace

AuditExport AuditTrail::export_to(std::ostream& out, const AuditExportOptions& options) const {
  audit::ChainReader reader(lane_, {.after = options.after, .until = options.until}, options.stop);
  const audit::Head head = audit::require_genuine(reader.head(), key_);
  const audit::ExportStart start{.log = head.log,
                                 .key = head.key,
                                 .after = reader.after(),
                                 .previous_hash = reader.previous_hash()};
  Exporter exporter(out);
  exporter.write(audit::to_line(start));
  reader.visit(exporter, options.progress, "export");
  const audit::Tail last = end_of(head, options, start, exporter);
  audit::ExportEnd end{.events = exporter.events(), .last_id = last.id, .last_hash = last.hash};
  end.hash = audit::hash_of(key_, start, end);
  exporter.write(audit::to_line(end));
  exporter.between_reads();
  return {.events = end.events, .end = {audit::to_hex(head.log), last.id, last.hash}};
}

}  // namespace turnstile
