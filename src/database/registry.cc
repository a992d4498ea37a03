#include "database/registry.h"

#include <pthread.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <memory>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

#include "database/core.h"
#include "gate/mutex.h"
#include "sqlite/error_code.h"
#include "sqlite/fork_guard.h"
#include "sqlite/raise.h"

namespace turnstile::database {

namespace {

using detail::Core;
using gate::MutexLock;

// One per database. Opening and closing it exclude each other, so that a file is never in two pools
// of this process.
struct Slot {
  sqlite::ForkGuard fork_guard;
  std::optional<gate::Claim> busy;  // Who opens or closes it at the moment.
  bool migrating = false;           // And runs schema steps, or waits for a process that does.
  std::weak_ptr<Core> core;
  std::size_t handles = 0;
  std::size_t waiting = 0;
};

class Registry {
 public:
  static Registry& instance() {
    static Registry& registry = make();
    return registry;
  }

  // Has the slot to itself while it exists.
  class Entry {
   public:
    /// Who runs schema steps is waited for until `migration_end`; the call's deadline begins anew
    /// then, with `budget`.
    Entry(Registry& registry, std::string identity, Call& call, Deadline migration_end,
          std::chrono::milliseconds budget)
        : registry_(registry),
          identity_(std::move(identity)),
          slot_(registry.enter(identity_, call, migration_end, budget)) {}
    Entry(Registry& registry, std::string identity, Call& call)
        : Entry(registry, std::move(identity), call, Deadline::after({}), {}) {}
    ~Entry() { registry_.leave(identity_); }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

    Slot* operator->() const noexcept { return &slot_; }

    /// Tells those who wait for the slot that it may take long.
    void note_migration() const {
      MutexLock lock(registry_.mutex_);
      slot_.migrating = true;
    }

   private:
    Registry& registry_;
    const std::string identity_;
    Slot& slot_;
  };

 private:
  Slot& enter(const std::string& identity, Call& call, Deadline migration_end,
              std::chrono::milliseconds budget) {
    MutexLock lock(mutex_);
    Slot& slot = slots_[identity];
    if (slot.fork_guard.forked()) {
      // SQLite has copied what it knows of its locks: a new connection to the same file would
      // believe that it has the parent's (https://sqlite.org/howtocorrupt.html, 2.6).
      if (slot.busy || slot.handles > 0) sqlite::raise_used_after_fork(call);
      slot = Slot{};
    }
    ++slot.waiting;
    while (slot.busy) {
      if (changed_.wait_until(mutex_, call.deadline.time()) || !slot.busy) continue;
      if (slot.migrating && !migration_end.expired()) {
        constexpr std::chrono::milliseconds kShortest{10};
        call.deadline = Deadline::after(std::max(budget, kShortest));
        continue;
      }
      const Holder holder = slot.busy->as_holder("database while it is opened or closed");
      forget(identity, slot);
      sqlite::raise_timeout(call, code("OPEN_TIMEOUT"), holder);
    }
    slot.busy = gate::Claim::of_this_thread("", call.where);
    slot.migrating = false;
    return slot;
  }

  void leave(const std::string& identity) {
    {
      MutexLock lock(mutex_);
      Slot& slot = slots_.at(identity);
      slot.busy.reset();
      forget(identity, slot);
    }
    changed_.notify_all();
  }

  void forget(const std::string& identity, Slot& slot) TURNSTILE_REQUIRES(mutex_) {
    if (--slot.waiting == 0 && slot.handles == 0 && slot.core.expired()) slots_.erase(identity);
  }

  static Registry& make() {
    // Never destroyed: handles with static storage may close later than anything else.
    Registry& registry = *std::make_unique<Registry>().release();
    if (::pthread_atfork(&before_fork, &after_fork_in_parent, &after_fork_in_child) != 0)
      throw std::bad_alloc();
    return registry;
  }

  // A child has to know what its parent has open, so that it must find the slots whole.
  static void before_fork() noexcept TURNSTILE_NO_ANALYSIS { instance().mutex_.lock(); }
  static void after_fork_in_parent() noexcept TURNSTILE_NO_ANALYSIS { instance().mutex_.unlock(); }
  static void after_fork_in_child() noexcept TURNSTILE_NO_ANALYSIS {
    // Those who wait in the parent are not there, and would never take the notice meant for them.
    std::construct_at(&instance().changed_);
    instance().mutex_.unlock();
  }

  gate::Mutex mutex_;
  gate::CondVar changed_;
  std::map<std::string, Slot> slots_ TURNSTILE_GUARDED_BY(mutex_);
};

bool same(const Migrations& a, const Migrations& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    // Two functions cannot be compared.
    return x.version == y.version && x.name == y.name && x.sql == y.sql &&
           x.revision == y.revision && bool(x.apply) == bool(y.apply);
  });
}

bool same(const std::vector<Extension>& a, const std::vector<Extension>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.path == y.path && x.entry_point == y.entry_point;
  });
}

bool same(const std::vector<Function>& a, const std::vector<Function>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.name == y.name && x.arguments == y.arguments && x.deterministic == y.deterministic &&
           x.in_schema == y.in_schema;
  });
}

bool same(const std::vector<Collation>& a, const std::vector<Collation>& b) {
  return std::ranges::equal(a, b, {}, &Collation::name, &Collation::name);
}

bool read_only(const Options& options) {
  return options.mode == OpenMode::ReadOnly;
}

// The name of a setting in which the two differ, or empty. What concerns only a new file, or only
// where messages go, cannot conflict.
std::string_view difference(const Options& a, const Options& b) {
  if (read_only(a) != read_only(b)) return "mode";
  if (a.connections != b.connections) return "connections";
  if (a.busy_timeout != b.busy_timeout) return "busy_timeout";
  if (a.synchronous != b.synchronous) return "synchronous";
  if (a.foreign_keys != b.foreign_keys) return "foreign_keys";
  if (a.statement_cache_size != b.statement_cache_size) return "statement_cache_size";
  if (a.checkpoint_frames != b.checkpoint_frames) return "checkpoint_frames";
  if (a.wal_limit_bytes != b.wal_limit_bytes) return "wal_limit_bytes";
  if (a.at_wal_limit != b.at_wal_limit) return "at_wal_limit";
  if (a.pinned_reader_warning != b.pinned_reader_warning) return "pinned_reader_warning";
  if (a.vfs != b.vfs) return "vfs";
  if (!same(a.migrations, b.migrations)) return "migrations";
  if (a.expect_schema != b.expect_schema) return "expect_schema";
  if (a.immutable != b.immutable) return "immutable";
  if (!same(a.extensions, b.extensions)) return "extensions";
  if (!same(a.functions, b.functions)) return "functions";
  if (!same(a.collations, b.collations)) return "collations";
  return {};
}

bool same(const sqlite::Protection* a, const sqlite::Protection* b) {
  return a == nullptr || b == nullptr ? a == b : a->equals(*b);
}

void require_same(const Core& core, const Location& location, const Options& options,
                  const sqlite::Protection* protection, const Call& call) {
  if (core.location().path != location.path) {
    sqlite::raise_misuse(code("DB_HARD_LINK"),
                         "'" + location.path.string() + "' is the same file as '" +
                             core.location().path.string() + "', which is open",
                         call);
  }
  auto setting = difference(core.options(), options);
  if (setting.empty() && !same(core.protection().get(), protection)) setting = "the key";
  if (!setting.empty()) {
    sqlite::raise_misuse(
        code("DB_OPTIONS_DIFFER"),
        "'" + location.path.string() + "' is open with another value of " + std::string(setting),
        call);
  }
}

// When a destructor closes.
constexpr std::chrono::milliseconds kDrain{5000};

// Closes a database whose closure would not end. Until that does end, the file stays this
// database's own: nobody can open it.
void close_later(std::shared_ptr<Core> core, std::unique_ptr<Registry::Entry> slot,
                 std::shared_ptr<const void> kept) noexcept {
  try {
    std::thread([core = std::move(core), slot = std::move(slot), kept = std::move(kept)]() mutable {
      core->close_when_idle();
      core.reset();
      slot.reset();
      kept.reset();
    }).detach();
  } catch (const std::system_error&) {
    // Without a thread, the database is closed when its last lane is gone.
    return;
  }
}

Call call_for_open(const Options& options, std::source_location where) {
  Call call;
  call.lane = "open";
  call.where = where;
  call.deadline = Deadline::after(options.busy_timeout);
  call.timeout_code = code("OPEN_TIMEOUT");
  return call;
}

// In a child of fork() the last handle or lane leaves it as it is, for ever: to destroy it would
// end the parent's transactions and wait for threads that only the parent has.
std::shared_ptr<Core> make_core(Opened opened) {
  auto core = std::make_unique<Core>(std::move(opened));
  return {core.release(), [](Core* last) {
            std::unique_ptr<Core> owned(last);
            if (owned->forked()) static_cast<void>(owned.release());
          }};
}

// False when another file has come to have the name, such as by restore(), while a call waited.
bool is_in_place(const Location& location) {
  if (location.in_memory) return true;
  struct stat now {};
  return ::stat(location.path.c_str(), &now) == 0 && now.st_ino == location.inode &&
         now.st_dev == location.device;
}

// Null when another file has the name by now.
std::shared_ptr<Core> try_open(const OpenTarget& target,
                               const std::shared_ptr<sqlite::Protection>& protection, Call& call) {
  const auto start = std::chrono::steady_clock::now();
  Location location = locate(target.path, target.options, call);
  const auto located = std::chrono::steady_clock::now() - start;

  const Registry::Entry slot(Registry::instance(), location.identity(), call,
                             Deadline::after(target.options.migration_timeout),
                             target.options.busy_timeout);
  auto core = slot->handles > 0 ? slot->core.lock() : nullptr;
  if (core) {
    require_same(*core, location, target.options, protection.get(), call);
  } else {
    Bootstrap bootstrap(location, target.options, protection, call,
                        std::chrono::duration_cast<std::chrono::microseconds>(located),
                        [&slot] { slot.note_migration(); });
    Opened opened = bootstrap.run();
    if (!is_in_place(location)) return nullptr;
    core = make_core(std::move(opened));
    slot->core = core;
    slot->handles = 0;
  }
  ++slot->handles;
  return core;
}

}  // namespace

class Reservation::Impl {
 public:
  Impl(const std::string& identity, Call call) : entry_(Registry::instance(), identity, call) {}
  /// A database without handles is still open while lanes of it are in use.
  [[nodiscard]] bool is_open() const noexcept {
    return entry_->handles > 0 || !entry_->core.expired();
  }

 private:
  Registry::Entry entry_;
};

Reservation::Reservation(const Location& location, const Call& call)
    : impl_(std::make_unique<Impl>(location.identity(), call)) {
  if (!impl_->is_open()) return;
  sqlite::raise_misuse(code("DB_IN_USE"),
                       "'" + location.path.string() + "' is open in this process", call);
}

Reservation::~Reservation() = default;

std::shared_ptr<Core> open_handle(const OpenTarget& target, std::source_location where,
                                  const std::shared_ptr<sqlite::Protection>& protection) {
  Call call = call_for_open(target.options, where);
  for (;;)
    if (auto core = try_open(target, protection, call)) return core;
}

CloseReport close_handle(std::shared_ptr<Core> core, std::chrono::milliseconds drain,
                         std::source_location where, std::shared_ptr<const void> kept) {
  if (core->forked()) return {};
  Call call;
  call.lane = "close";
  call.where = where;
  auto slot =
      std::make_unique<Registry::Entry>(Registry::instance(), core->location().identity(), call);
  if (--(*slot)->handles > 0) return {};
  try {
    return core->close(drain, where);
  } catch (const Timeout&) {
    close_later(std::move(core), std::move(slot), std::move(kept));
    throw;
  }
}

void drop_handle(std::shared_ptr<Core> core) noexcept {
  if (core->forked()) return;
  const auto close = [](std::shared_ptr<Core> last) noexcept {
    try {
      const LogSink log_sink = last->options().log_sink;
      try {
        (void)close_handle(std::move(last), kDrain, std::source_location::current());
      } catch (const Error& error) {
        if (log_sink) log_sink({LogEvent::Severity::Error, error.code(), error.what()});
      }
    } catch (...) {
      // A sink that throws has nobody to be told to.
      return;
    }
  };
  try {
    if (core->must_not_wait_here())
      std::thread(close, std::move(core)).detach();
    else
      close(std::move(core));
  } catch (const std::system_error&) {
    // Without a thread, the database is closed when its last lane is gone.
    return;
  }
}

}  // namespace turnstile::database
