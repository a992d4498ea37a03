#include <utility>

#include "audit/audit_writer.h"
#include "audit/prune.h"
#include "turnstile/audit.h"

namespace turnstile {

AuditLog::AuditLog(Lane lane, AuditOptions options, std::source_location where)
    : writer_(std::make_unique<detail::AuditWriter>(std::move(lane), std::move(options), where)) {}

AuditLog::~AuditLog() {
  // In a child of fork() there is no thread to wait for, and a lock may be held for ever.
  if (writer_->forked()) static_cast<void>(writer_.release());
}

void AuditLog::start() {
  writer_->require_same_process(std::source_location::current());
  writer_->start();
}

AuditStopReport AuditLog::stop(std::chrono::milliseconds deadline) {
  writer_->require_same_process(std::source_location::current());
  return writer_->stop(deadline);
}

void AuditLog::record(AuditEvent event, std::source_location where) {
  writer_->require_same_process(where);
  writer_->record(std::move(event), where);
}

std::int64_t AuditLog::record(WriteTx& tx, AuditEvent event, std::source_location where) const {
  writer_->require_same_process(where);
  return writer_->record(tx, std::move(event), where);
}

std::int64_t AuditLog::record_sync(AuditEvent event, const CallOptions& options,
                                   std::source_location where) const {
  writer_->require_same_process(where);
  return writer_->record_sync(std::move(event), options, where);
}

bool AuditLog::flush(std::chrono::milliseconds timeout, std::source_location where) {
  writer_->require_same_process(where);
  return writer_->flush(timeout, where);
}

AuditStats AuditLog::stats() const {
  writer_->require_same_process(std::source_location::current());
  return writer_->stats();
}

AuditPruneReport AuditLog::prune(const AuditRetention& retention, const AuditPruneOptions& options,
                                 std::source_location where) const {
  writer_->require_same_process(where);
  return audit::prune(writer_->lane(), writer_->options(), retention, options, where);
}

AuditTrail AuditLog::trail() const {
  return AuditTrail(writer_->lane(), writer_->options().key);
}

}  // namespace turnstile
