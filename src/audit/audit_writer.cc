#include "audit/audit_writer.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "audit/appender.h"
#include "audit/event_check.h"
#include "audit/times.h"
#include "gate/sync_point.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::detail {

namespace {

using audit::Appender;
using audit::EventQueue;
using std::chrono::milliseconds;

// A wait for the turn that is longer counts as a failure, and is told with the holder's name.
constexpr milliseconds kPatience = std::chrono::seconds(10);
// Between attempts, so that a full disk costs next to nothing; the first may have been bad luck.
constexpr milliseconds kFirstPause{20};
constexpr milliseconds kLongestPause{5000};
// For a thread that is told to end; it is in a COMMIT at worst.
constexpr milliseconds kGrace{1000};

Call call_at(const Lane& lane, std::source_location where) {
  Call call;
  call.lane = lane.name();
  call.where = where;
  return call;
}

// It can never be written then.
bool is_final(const Error& error) noexcept {
  return error.code() == code("DB_CLOSED") || error.code() == code("DB_READ_ONLY") ||
         error.code() == code("USED_AFTER_FORK");
}

milliseconds pause_after(std::uint64_t failures) {
  const auto doublings = std::min<std::uint64_t>(failures - 1, 10);
  return std::min(kFirstPause * (1U << doublings), kLongestPause);
}

// A gap as the event that tells of it.
AuditEvent gap_event(const EventQueue::Entry& gap) {
  AuditEvent event{
      .action = std::string(audit::kGap), .actor = "system", .time = gap.first_dropped};
  event.detail = R"({"dropped":)" + std::to_string(gap.dropped) + R"(,"from":")" +
                 audit::iso_time(gap.first_dropped) + R"(","until":")" +
                 audit::iso_time(gap.last_dropped) + R"("})";
  return event;
}

}  // namespace

AuditWriter::AuditWriter(Lane lane, AuditOptions options, std::source_location where)
    : lane_(std::move(lane)), options_(std::move(options)), queue_(options_) {
  audit::check(options_, where);
  static_cast<void>(
      lane_.migrate(audit::kComponent, audit::steps(options_.key), MigrateOptions{}, where));
  require_right_key(where);
}

void AuditWriter::require_right_key(std::source_location where) const {
  const auto head = lane_.read([](ReadTx& tx) { return audit::read_head(tx); }, where);
  if (!head || head->key == audit::key_id(options_.key)) return;
  const bool has_key = head->key != audit::KeyId{};
  const char* const message = options_.key.empty()
                                  ? "the audit log was made with a key, and none is given"
                              : has_key ? "the audit log was made with another key"
                                        : "the audit log was made without a key, and one is given";
  sqlite::raise_misuse(code("AUDIT_KEY_WRONG"), message, call_at(lane_, where));
}

AuditWriter::~AuditWriter() {
  static_cast<void>(stop(std::chrono::seconds(5)));
  gate::MutexLock lock(control_);
  if (thread_.joinable()) thread_.join();
  tell_of_loss();
}

void AuditWriter::tell_of_loss() {
  auto [events, dropped] = queue_.unsettled();
  for (const EventQueue::Entry& entry : group_)
    dropped += entry.dropped;
  if (events + dropped == 0) return;
  tell(LogEvent::Severity::Error, "AUDIT_UNWRITTEN",
       "the audit log ends; events that it has not written: " + std::to_string(events) +
           ", dropped ones that it has no record of: " + std::to_string(dropped));
}

void AuditWriter::require_same_process(std::source_location where) const {
  if (forked()) sqlite::raise_used_after_fork(call_at(lane_, where));
}

// ---- Starting and stopping ----

void AuditWriter::start() {
  gate::MutexLock lock(control_);
  if (started_) return;
  // One that did not end in time.
  if (thread_.joinable()) thread_.join();
  stop_ = std::stop_source();
  queue_.open();
  try {
    thread_ = std::thread([this, stop = stop_.get_token()] { run(stop); });
  } catch (...) {
    queue_.close();
    queue_.leave();
    throw;
  }
  started_ = true;
}

AuditStopReport AuditWriter::stop(milliseconds deadline) {
  const auto until = EventQueue::Clock::now() + deadline;
  gate::MutexLock lock(control_);
  started_ = false;
  const std::size_t events = queue_.close();
  bool left = queue_.wait_until_left(until);
  if (!left) {
    gate::sync_point("AuditWriter::stop:gives_up");
    stop_.request_stop();
    queue_.abort();
    left = queue_.wait_until_left(EventQueue::Clock::now() + kGrace);
  }
  if (left && thread_.joinable()) thread_.join();
  const std::size_t unwritten = queue_.unsettled().events;
  return {.written = events - unwritten, .unwritten = unwritten};
}

// ---- Recording ----

void AuditWriter::record(AuditEvent event, std::source_location where) {
  const EventQueue::Put put = queue_.put(audit::checked(std::move(event), options_, where));
  if (put != EventQueue::Put::Refused) return;
  Error::Details details;
  details.code = code("AUDIT_QUEUE_FULL");
  details.message = "the audit log takes no event: " + std::to_string(options_.queue_limit) +
                    " events or " + std::to_string(options_.queue_limit_bytes) +
                    " bytes are not written yet, or it was stopped";
  details.lane = lane_.name();
  details.where = where;
  details.retry_is_safe = true;
  throw QueueFull(std::move(details));
}

std::int64_t AuditWriter::record(WriteTx& tx, AuditEvent event, std::source_location where) {
  const AuditEvent stored = audit::checked(std::move(event), options_, where);
  std::string damage;
  const auto id = audit::append_one(tx, options_.key, stored, audit::now(options_), damage);
  tell_damage(damage);
  return id;
}

std::int64_t AuditWriter::record_sync(AuditEvent event, const CallOptions& options,
                                      std::source_location where) {
  const AuditEvent stored = audit::checked(std::move(event), options_, where);
  std::string damage;
  const std::int64_t id = lane_.write(
      options,
      [&](WriteTx& tx) {
        return audit::append_one(tx, options_.key, stored, audit::now(options_), damage);
      },
      where);
  tell_damage(damage);
  gate::MutexLock lock(counting_);
  ++counted_.written;
  return id;
}

bool AuditWriter::flush(milliseconds timeout, std::source_location where) {
  const auto until = EventQueue::Clock::now() + timeout;
  if (queue_.is_settled()) return true;
  try {
    // Inside a closure of this database the wait would be for oneself. So would a read be, and it
    // is refused.
    lane_.read(
        CallOptions{.timeout = timeout}, [](ReadTx&) {}, where);
  } catch (const Timeout&) {
    return false;
  }
  return queue_.flush(until);
}

AuditStats AuditWriter::stats() const {
  AuditStats stats;
  {
    gate::MutexLock lock(counting_);
    stats = counted_;
  }
  queue_.count(stats);
  return stats;
}

// ---- The thread ----

void AuditWriter::run(const std::stop_token& stop) noexcept {
  while ((!group_.empty() || queue_.take(group_)) && write_group(stop)) {
  }
  queue_.leave();
}

// False when the thread is to end.
bool AuditWriter::write_group(const std::stop_token& stop) {
  for (;;) {
    switch (attempt(stop)) {
      case Attempt::Done:
        return true;
      case Attempt::Over:
        return false;
      case Attempt::Again:
        if (!queue_.pause(pause_after(failures_in_a_row_))) return false;
    }
  }
}

AuditWriter::Attempt AuditWriter::attempt(const std::stop_token& stop) {
  const CallOptions call{.timeout = kPatience, .stop = stop, .durability = options_.durability};
  try {
    lane_.write(call, [this](WriteTx& tx) { write_group_in(tx); });
  } catch (const Error& error) {
    if (error.commit_state() == CommitState::NotCommitted) written_.reset();
    if (stop.stop_requested()) return Attempt::Over;
    on_failure(error);
    return is_final(error) ? Attempt::Over : Attempt::Again;
  } catch (const std::exception& error) {
    written_.reset();
    on_failure(error);
    return Attempt::Again;
  }
  on_written();
  return Attempt::Done;
}

void AuditWriter::write_group_in(WriteTx& tx) {
  gate::sync_point("AuditWriter::write_group");
  if (is_in_file(tx)) return;
  Appender appender(tx, options_.key);
  const auto now = audit::now(options_);
  for (const EventQueue::Entry& entry : group_)
    appender.append(entry.dropped == 0 ? entry.event : gap_event(entry), now);
  appender.finish();
  damage_ = appender.damage();
  written_ = appender.tail();
}

// Of a COMMIT that gave no answer it is not known whether it took place. It did if the event is
// there with which it ended: nothing else has that hash.
bool AuditWriter::is_in_file(WriteTx& tx) const {
  if (!written_) return false;
  const auto hash =
      tx.query<Blob>("SELECT hash FROM audit_event WHERE id = ?", written_->id).first();
  return hash &&
         std::equal(hash->begin(), hash->end(), written_->hash.begin(), written_->hash.end());
}

void AuditWriter::on_written() {
  const auto now = EventQueue::Clock::now();
  {
    gate::MutexLock lock(counting_);
    ++counted_.groups;
    counted_.written += group_.size();
    for (const EventQueue::Entry& entry : group_) {
      const auto lag = std::chrono::duration_cast<std::chrono::microseconds>(now - entry.queued);
      counted_.longest_lag = std::max(counted_.longest_lag, lag);
    }
  }
  queue_.settle(group_);
  written_.reset();
  for (const EventQueue::Entry& entry : group_) {
    if (entry.dropped == 0) continue;
    tell(LogEvent::Severity::Warning, "AUDIT_DROPPED",
         "the queue of the audit log was full; events dropped: " + std::to_string(entry.dropped));
  }
  group_.clear();
  tell_damage(std::exchange(damage_, {}));
  if (std::exchange(failures_in_a_row_, 0) != 0)
    tell(LogEvent::Severity::Info, "AUDIT_WRITE_RESUMED", "the audit log is written again");
}

void AuditWriter::on_failure(const std::exception& error) {
  {
    gate::MutexLock lock(counting_);
    ++counted_.failures;
  }
  if (!std::has_single_bit(++failures_in_a_row_)) return;
  tell(LogEvent::Severity::Error, "AUDIT_WRITE_FAILED",
       std::string(error.what()) + "; failure " + std::to_string(failures_in_a_row_) +
           " in a row, events that wait: " + std::to_string(queue_.unsettled().events));
}

// ---- Telling ----

void AuditWriter::tell_damage(const std::string& damage) {
  if (damage.empty()) return;
  tell(LogEvent::Severity::Error, "AUDIT_CHAIN_BROKEN",
       "the audit log is damaged: " + damage + "; an event 'audit.break' says so");
}

// A sink that throws must not keep an event from being recorded, nor end the thread.
void AuditWriter::tell(LogEvent::Severity severity, std::string_view code,
                       const std::string& message) {
  if (!options_.log_sink) return;
  gate::MutexLock lock(telling_);
  try {
    options_.log_sink({severity, code, message});
  } catch (const std::exception&) {
    return;
  }
}

}  // namespace turnstile::detail
