#include "vault/session_core.h"

#include <cstdint>
#include <exception>
#include <utility>

#include "database/protected_open.h"
#include "gate/sync_point.h"
#include "sqlite/raise.h"
#include "vault/raise.h"

namespace turnstile::vault {

SessionCore::SessionCore(const Layout& layout, const WorkspaceOptions& options, SessionParts parts,
                         const Call& call)
    : layout_(layout),
      options_(options),
      id_(parts.access.record().id),
      tries_(std::move(parts.tries)),
      presence_(std::move(parts.presence)),
      access_(std::make_shared<ProfileAccess>(std::move(parts.access))),
      keys_(std::move(parts.keys)) {
  open_database(call);
  if (options_.auto_lock.count() > 0 && access_->record().is_protected())
    auto_lock_ = std::thread([this] { run_auto_lock(); });
}

SessionCore::~SessionCore() {
  {
    const gate::MutexLock lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  if (auto_lock_.joinable()) auto_lock_.join();
  try {
    lock({}, make_call(std::source_location::current()));
  } catch (const std::exception& error) {
    tell(options_.log_sink, LogEvent::Severity::Error, "SESSION_NOT_CLOSED", error.what());
  }
}

Call SessionCore::make_call(std::source_location where) const {
  Call call;
  call.where = where;
  call.deadline = Deadline::after(options_.database.busy_timeout);
  return call;
}

bool SessionCore::is_locked() const {
  const gate::MutexLock lock(mutex_);
  return state_ == State::Locked;
}

namespace {

[[noreturn]] void raise_locked(const Call& call) {
  raise_vault(code("VAULT_LOCKED"), "the session is locked", call);
}

[[noreturn]] void raise_maintenance(const std::string& id, const Call& call) {
  sqlite::raise_misuse(code("PROFILE_MAINTENANCE"),
                       "the profile '" + id + "' is being changed or kept for maintenance", call);
}

}  // namespace

SessionCore::Use::Use(SessionCore& core, const Call& call, bool touch) : core_(core) {
  const gate::MutexLock lock(core.mutex_);
  if (core.state_ == State::Locked) raise_locked(call);
  if (core.state_ == State::Changing) raise_maintenance(core.id_, call);
  ++core.uses_;
  if (touch) ++core.touches_;
}

SessionCore::Use::~Use() {
  const gate::MutexLock lock(core_.mutex_);
  --core_.uses_;
  core_.changed_.notify_all();
}

void SessionCore::begin_change(const Call& call) {
  const gate::MutexLock lock(mutex_);
  if (state_ == State::Locked) raise_locked(call);
  if (state_ == State::Changing) raise_maintenance(id_, call);
  have_alone(call);
}

// Whoever wants it locked has it locked by whoever is about to, and after whatever else is going
// on.
bool SessionCore::begin_lock(const Call& call) {
  const gate::MutexLock lock(mutex_);
  if (!settle(call)) return false;
  have_alone(call);
  return true;
}

bool SessionCore::wait_until_settled(const Call& call) const {
  const gate::MutexLock lock(mutex_);
  return settle(call);
}

bool SessionCore::settle(const Call& call) const {
  while (state_ == State::Changing) {
    gate::sync_point("SessionCore:waiting");
    if (!changed_.wait_until(mutex_, call.deadline.time()) && state_ == State::Changing)
      raise_maintenance(id_, call);
  }
  return state_ == State::Open;
}

void SessionCore::have_alone(const Call& call) {
  state_ = State::Changing;
  while (uses_ > 0) {
    if (changed_.wait_until(mutex_, call.deadline.time()) || uses_ == 0) continue;
    state_ = State::Open;
    changed_.notify_all();
    Holder holder;
    holder.lock = "session";
    raise_busy(code("PROFILE_BUSY"), "calls of the session do not end", std::move(holder), call);
  }
}

void SessionCore::end_change(State state) {
  const gate::MutexLock lock(mutex_);
  state_ = state;
  changed_.notify_all();
}

void SessionCore::changing(detail::FunctionRef<void()> act, const Call& call) {
  begin_change(call);
  gate::sync_point("SessionCore:changing");
  try {
    act();
  } catch (...) {
    end_change(open_ ? State::Open : State::Locked);
    throw;
  }
  end_change(State::Open);
}

void SessionCore::open_database(const Call& call) {
  const Contents now = contents();
  const States states = now.record.kind == ProfileKind::Sealed ? states_of(now) : States{};
  open_.emplace(OpenDatabase::open(now.folder, now.record, now.keys, options_, call));
  if (now.record.kind == ProfileKind::Sealed) watch_image(states);
  share_lock(call);
}

void SessionCore::share_lock(const Call& call) {
  access_->change(access_->record().kind == ProfileKind::Sealed ? FileLock::Mode::Exclusive
                                                                : FileLock::Mode::Shared,
                  call);
}

void SessionCore::share_again(const Call& call) {
  try {
    reload({}, call);
  } catch (...) {
    share_lock(call);
    throw;
  }
  share_lock(call);
}

// When the medium fails in the middle of a commit, only the record says whether it was made.
void SessionCore::reload(std::optional<ProfileKeys> changed, const Call& call) {
  const std::int64_t before = access_->record().generation;
  access_->reload(call);
  if (access_->record().generation == before) return;
  if (changed) keys_ = std::move(changed);
  if (!access_->record().is_protected()) keys_.reset();
}

void SessionCore::reopen(std::optional<ProfileKeys> changed, const Call& call) {
  gate::sync_point("SessionCore:reopening");
  try {
    reload(std::move(changed), call);
    open_database(call);
  } catch (...) {
    forget();
    throw;
  }
}

void SessionCore::reopen_after_failure(std::optional<ProfileKeys> changed,
                                       const Call& call) noexcept {
  try {
    reopen(std::move(changed), call);
  } catch (const std::exception& error) {
    tell(options_.log_sink, LogEvent::Severity::Error, "SESSION_NOT_REOPENED", error.what());
  }
}

// Before it is opened: what is opened may be saved at once. Nobody else writes the file.
SessionCore::States SessionCore::states_of(const Contents& sealed) noexcept {
  States states{noted_image(sealed)};
  try {
    states.found = read_sealed_header(stored_database(sealed).path).generation;
  } catch (const std::exception&) {
    // Whoever opens it says what is wrong.
    return states;
  }
  return states;
}

// An image that is older than the last one was put in its place.
void SessionCore::watch_image(const States& states) {
  if (states.noted > states.found || states.noted == 0) {
    tell(options_.log_sink, LogEvent::Severity::Warning, "VAULT_OLDER",
         states.noted == 0
             ? "nothing says which state of the profile '" + id_ + "' was the last one"
             : "the image of the profile '" + id_ + "' is of state " +
                   std::to_string(states.found) + ", older than the last one, " +
                   std::to_string(states.noted));
  }
  const std::uint64_t last = open_->image_generation();
  if (states.noted == last) return;
  // Without the note, an older image is not noticed that is put back next; nothing else depends
  // on it.
  try {
    if (noted_image(contents()) != last) note_image(contents(), last);
  } catch (const std::exception& error) {
    tell(options_.log_sink, LogEvent::Severity::Warning, "STATE_NOT_NOTED", error.what());
  }
}

Contents SessionCore::contents() const noexcept {
  const bool has_keys = keys_ && access_->record().is_protected();
  return {access_->folder(), access_->record(), has_keys ? &*keys_ : nullptr};
}

void SessionCore::forget() noexcept {
  open_.reset();
  keys_.reset();
  access_.reset();
  presence_.reset();
}

void SessionCore::save(const Call& call) {
  const Use use(*this, call);
  use.open().save(call);
}

namespace {

/// What keeps others from a profile. Threads: confined.
struct Locks {
  std::shared_ptr<const FileLock> presence;
  std::shared_ptr<const ProfileAccess> access;
};

}  // namespace

// A database whose closure does not end closes by itself later. Until then its file must stay where
// it is, so that the profile's lock, and that of the workspace, live as long as the database, and
// not as the session.
void SessionCore::close_database(const LockOptions& options, const Call& call) {
  try {
    open_->close(options.drain, options.discard_unsaved, call,
                 std::make_shared<Locks>(Locks{presence_, access_}));
  } catch (const Timeout&) {
    forget();
    throw;
  }
  open_.reset();
}

void SessionCore::close_for_change(const Call& call) {
  LockOptions options;
  options.drain = std::chrono::duration_cast<std::chrono::milliseconds>(call.deadline.left());
  try {
    close_database(options, call);
  } catch (...) {
    if (open_) share_lock(call);
    throw;
  }
}

void SessionCore::lock(const LockOptions& options, const Call& call) {
  if (!begin_lock(call)) return;
  gate::sync_point("SessionCore:locking");
  try {
    close_database(options, call);
  } catch (...) {
    end_change(open_ ? State::Open : State::Locked);
    throw;
  }
  forget();
  end_change(State::Locked);
}

void SessionCore::transform(detail::FunctionRef<void(const ProfileRecord&)> require, Build build,
                            const Call& call) {
  changing(
      [&] {
        require(access_->record());
        access_->change(FileLock::Mode::Exclusive, call);
        close_for_change(call);
        std::optional<ProfileKeys> keys;
        try {
          Transition transition(access_->folder(), call);
          keys = build(transition, contents());
          transition.commit();
          if (!transition.left_over().empty())
            tell(options_.log_sink, LogEvent::Severity::Warning, "PARTS_LEFT",
                 transition.left_over());
        } catch (...) {
          reopen_after_failure(std::move(keys), call);
          throw;
        }
        reopen(std::move(keys), call);
      },
      call);
}

void SessionCore::rewrite(detail::FunctionRef<void(Transition&, const Contents&)> build,
                          const Call& call) {
  changing(
      [&] {
        access_->change(FileLock::Mode::Exclusive, call);
        try {
          Transition transition(access_->folder(), call);
          build(transition, contents());
          transition.commit();
        } catch (...) {
          share_again(call);
          throw;
        }
        share_again(call);
      },
      call);
}

void SessionCore::alone(detail::FunctionRef<void(const Contents&, OpenDatabase&)> use,
                        const Call& call) {
  changing(
      [&] {
        access_->change(FileLock::Mode::Exclusive, call);
        try {
          use(contents(), *open_);
        } catch (...) {
          share_lock(call);
          throw;
        }
        share_lock(call);
      },
      call);
}

void SessionCore::while_closed(detail::FunctionRef<void(const Contents&)> use, const Call& call) {
  changing(
      [&] {
        access_->change(FileLock::Mode::Exclusive, call);
        close_for_change(call);
        try {
          use(contents());
        } catch (...) {
          reopen_after_failure({}, call);
          throw;
        }
        reopen({}, call);
      },
      call);
}

std::optional<std::uint64_t> SessionCore::activity() {
  try {
    const Use use(*this, Call{}, false);
    const Database& database = use.open().database();
    if (detail::ProtectedOpen::is_busy(database)) return std::nullopt;
    const Metrics metrics = database.metrics();
    const gate::MutexLock lock(mutex_);
    if (uses_ > 1) return std::nullopt;
    std::uint64_t calls = touches_;
    for (const LaneMetrics& lane : metrics.lanes)
      calls += lane.reads + lane.writes + lane.rollbacks;
    return calls;
  } catch (const Error&) {
    // It is being changed, or locked.
    return std::nullopt;
  }
}

// What lanes do is not told to the session, so that the database's counters are looked at: more
// often than the time, which is why it is at most a quarter longer.
void SessionCore::run_auto_lock() {
  constexpr int kLooks = 4;
  const auto pause = std::max(options_.auto_lock / kLooks, std::chrono::milliseconds(1));
  std::optional<std::uint64_t> seen = activity();
  int idle = 0;
  for (;;) {
    {
      const gate::MutexLock lock(mutex_);
      const auto until = std::chrono::steady_clock::now() + pause;
      while (!ending_ && state_ != State::Locked && changed_.wait_until(mutex_, until)) {
      }
      if (ending_ || state_ == State::Locked) return;
    }
    const std::optional<std::uint64_t> now = activity();
    idle = now && now == seen ? idle + 1 : 0;
    seen = now;
    gate::sync_point("SessionCore:looked");
    if (idle < kLooks) continue;
    idle = 0;
    try {
      lock({}, make_call(std::source_location::current()));
      tell(options_.log_sink, LogEvent::Severity::Info, "SESSION_AUTO_LOCKED",
           "the profile '" + id_ + "' was locked, because nobody used it");
    } catch (const std::exception& error) {
      tell(options_.log_sink, LogEvent::Severity::Error, "SESSION_NOT_CLOSED", error.what());
    }
  }
}

}  // namespace turnstile::vault
