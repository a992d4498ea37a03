#include "turnstile/error.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "sqlite/error_code.h"

namespace turnstile {

namespace {

std::string_view default_hint(std::string_view code) noexcept {
  const auto found = std::ranges::find(kErrorCodes, code, &ErrorCodeInfo::code);
  return found == kErrorCodes.end() ? std::string_view() : found->hint;
}

/// `thread 4712 (indexer), lane notes,` or `process 4711 (sqlite3)`.
std::string subject_of(const Holder& holder) {
  if (holder.lock == "WAL write lock" && holder.pid == ::getpid() && holder.lane.empty())
    return "a connection of this process that does not go through Turnstile";
  const bool is_thread = holder.kind == Holder::Kind::Thread;
  std::string text = is_thread ? "thread " + std::to_string(holder.thread_id)
                               : "process " + std::to_string(holder.pid);
  const std::string& name = is_thread ? holder.thread : holder.program;
  if (!name.empty()) text += " (" + name + ")";
  if (!holder.lane.empty()) text += ", lane " + holder.lane + ",";
  return text;
}

}  // namespace

std::string_view to_string(CommitState state) noexcept {
  switch (state) {
    case CommitState::NotCommitted:
      return "not committed";
    case CommitState::Committed:
      return "committed";
    case CommitState::Unknown:
      break;
  }
  return "unknown";
}

std::string Holder::describe() const {
  const std::string what = lock.empty() ? "the lock" : "the " + lock;
  if (kind == Kind::Unknown) return "the holder of " + what + " could not be found";
  std::string text = subject_of(*this) + " holds " + what;
  if (since != std::chrono::system_clock::time_point()) {
    const auto held = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now() - since);
    // The clock of the system may have been set back in the meantime.
    text += ", for " + std::to_string(std::max<std::int64_t>(held.count(), 0)) + " ms";
  }
  if (!where.empty()) text += ", since the call at " + where;
  return text;
}

struct Error::State {
  explicit State(Details given)
      : details(std::move(given)), what(std::string(details.code) + ": " + details.message) {
    if (details.hint.empty()) details.hint = default_hint(details.code);
  }

  Details details;
  std::string what;
};

Error::Error(Details details) : state_(std::make_shared<const State>(std::move(details))) {}

const char* Error::what() const noexcept {
  return state_->what.c_str();
}
std::string_view Error::code() const noexcept {
  return state_->details.code;
}
std::string_view Error::message() const noexcept {
  return state_->details.message;
}
std::string_view Error::hint() const noexcept {
  return state_->details.hint;
}
int Error::sqlite_code() const noexcept {
  return state_->details.sqlite_code;
}
int Error::system_code() const noexcept {
  return state_->details.system_code;
}
std::string_view Error::sql() const noexcept {
  return state_->details.sql;
}
std::optional<std::size_t> Error::sql_offset() const noexcept {
  return state_->details.sql_offset;
}
std::string_view Error::lane() const noexcept {
  return state_->details.lane;
}
const std::source_location& Error::where() const noexcept {
  return state_->details.where;
}
CommitState Error::commit_state() const noexcept {
  return state_->details.commit_state;
}
bool Error::retry_is_safe() const noexcept {
  return state_->details.retry_is_safe;
}

Timeout::Timeout(Details details, Holder holder, std::chrono::milliseconds waited)
    : Error(std::move(details)),
      holder_(std::make_shared<const Holder>(std::move(holder))),
      waited_(waited) {}

const Holder& Timeout::holder() const noexcept {
  return *holder_;
}
std::chrono::milliseconds Timeout::waited() const noexcept {
  return waited_;
}

std::span<const ErrorCodeInfo> error_codes() noexcept {
  return kErrorCodes;
}

}  // namespace turnstile
