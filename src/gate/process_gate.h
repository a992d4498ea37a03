// The gate between processes: a file of its own beside the database, `NAME-gate`.
//
// Possession is flock(LOCK_EX) on that file, which the kernel takes back when its holder dies.
// Order is a page of the same file, mapped shared: each process has a slot, takes a ticket when it
// has to wait, and sleeps on its slot's futex. Whoever gives the gate up wakes the lowest ticket. A
// process owns its slot by a lock on one byte of the file, held for its life, so that a dead
// process's slot is free again without anybody asking whether a pid is still alive.
//
// A holder that was stopped between two transactions would keep everybody out without need. Who has
// stood in line before it for a second goes without the gate if nobody has SQLite's write lock.
//
// The page only orders. SQLite's own write lock remains the arbiter, so that a damaged or deleted
// gate file makes waiting unfair but never a transaction wrong: for a second there are two lines of
// processes, then all have come to the new file. The database's own files are never locked or
// opened here: closing a descriptor on them would drop SQLite's locks
// (https://sqlite.org/howtocorrupt.html#posix_close_bug).
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gate/claim.h"
#include "gate/commit_ring.h"
#include "gate/mutex.h"
#include "sqlite/deadline.h"
#include "sqlite/fork_guard.h"
#include "turnstile/detail/function_ref.h"

namespace turnstile::gate {

class GateFile;

/// What the gate's page says. A pid of 0 belongs to a process of another pid namespace. Threads:
/// immutable.
struct GateView {
  struct Process {
    std::int64_t pid = 0;
    std::int64_t thread_id = 0;
    std::string lane;
    std::chrono::system_clock::time_point since;

    /// As the holder of `lock`, for a message.
    [[nodiscard]] Holder as_holder(std::string_view lock) const;
  };
  std::optional<Process> holder;      ///< Checked against the possession itself.
  std::vector<std::int64_t> waiting;  ///< Process ids in the order of their tickets.
  std::vector<std::int64_t> members;  ///< All that have come and live; only from inspect().
};

/// In a child of fork() it shows nobody and gives nothing up; taking it throws MisuseError.
///
/// Threads: confined to whoever has the writer's turn; view() and prod() are shared.
class ProcessGate {
 public:
  /// Who was woken and has not come for so long is taken for stopped or dead, and passed.
  static constexpr std::chrono::milliseconds kGrace{3};

  /// Makes or opens the gate file of `database`, with the permissions of the database file, as
  /// SQLite does for its own side files. `database` is the resolved path: the gate stands beside
  /// the file, not beside a symbolic link to it. Throws StorageError (GATE_UNAVAILABLE,
  /// DB_DISK_FULL).
  explicit ProcessGate(const std::filesystem::path& database);
  ~ProcessGate();
  ProcessGate(const ProcessGate&) = delete;
  ProcessGate& operator=(const ProcessGate&) = delete;

  /// Asked while waiting whether nobody wants the gate any more. Must be quick and not throw.
  using Abandoned = detail::FunctionRef<bool()>;

  /// Waits until the gate is this process's, or until it can do without: Granted both times; at
  /// once when it has it already. Never Closed. `abandoned` is asked at least every few
  /// milliseconds of waiting and after each wake-up; when it says yes the place in line is given
  /// up, and the result is Cancelled. Throws StorageError (GATE_UNAVAILABLE) when the system
  /// refuses to lock files, MisuseError (USED_AFTER_FORK).
  [[nodiscard]] Wait take(const Claim& claim, Deadline deadline, Abandoned abandoned);
  /// The same for a wait that only its deadline ends.
  [[nodiscard]] Wait take(const Claim& claim, Deadline deadline) {
    return take(claim, deadline, [] { return false; });
  }
  /// Has the wait of this process, if there is one, ask `abandoned` at once. To be called after
  /// that has come to say yes.
  void prod() noexcept TURNSTILE_EXCLUDES(mutex_);
  /// Gives it up if this process has it.
  void give() noexcept;
  [[nodiscard]] bool held() const noexcept { return held_.load(std::memory_order_relaxed); }

  /// What the last take() that was Granted is worth. Confined as take() is.
  enum class Order {
    Kept,
    Bypassed,  ///< Another process has the gate and stands still; this one goes without it.
    Lost,      ///< Others find another file, or none, and it could not be made anew.
  };
  [[nodiscard]] Order order() const noexcept {
    return without_ ? Order::Bypassed : lost_ ? Order::Lost : Order::Kept;
  }

  /// True when another process waits and this one has held the gate for its share of time: time to
  /// give it up between two transactions. Until then the gate is kept while work is queued, since a
  /// hand-over costs a wake-up.
  [[nodiscard]] bool should_give() const noexcept;
  [[nodiscard]] bool others_wait() const noexcept { return others_in_line() != 0 || is_crowded(); }

  // A file is opened by its name, which may lead to another file by then. Those who have the gate
  // do not meet; who opens the database without it says so. Confined as take() is.

  /// While the name is pinned, no process puts another file in the place of the database. Does not
  /// wait: false when one is doing that.
  [[nodiscard]] bool pin_name() noexcept;
  void unpin_name() noexcept;
  /// For whoever has the gate and is about to replace the file: false while another process has the
  /// name pinned. Nobody can pin it from then on, until the end of this object.
  [[nodiscard]] bool claim_name() noexcept;

  /// Tells the observers of other processes what a commit touched; in any order.
  void publish(std::uint32_t commit, const CommittedTables& tables) noexcept;

  [[nodiscard]] GateView view() const TURNSTILE_EXCLUDES(mutex_);
  /// The other processes, or other databases of this one, that have come to the gate and live; a
  /// pid of 0 as in GateView. Those beyond the gate's slots are not seen.
  [[nodiscard]] std::vector<std::int64_t> others() const;
  [[nodiscard]] static std::filesystem::path path_for(const std::filesystem::path& database);
  /// The view of a gate that this process does not take part in; empty when there is no gate file
  /// or this user may not read it.
  [[nodiscard]] static std::optional<GateView> inspect(const std::filesystem::path& database);

 private:
  // Empty when the file was replaced during the wait, by `successor_`.
  [[nodiscard]] std::optional<Wait> stand_in_line(Deadline deadline, Abandoned abandoned);
  [[nodiscard]] std::optional<Wait> wait_for_turn(std::uint64_t ticket, Deadline deadline,
                                                  Abandoned abandoned);
  [[nodiscard]] bool try_to_overtake(std::uint64_t ahead);
  [[nodiscard]] std::optional<Wait> poll(Deadline deadline, Abandoned abandoned);
  void let_others_in(Deadline deadline) const;
  [[nodiscard]] bool can_do_without(bool is_first);
  [[nodiscard]] bool find_successor();
  void move_to_successor() TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] std::shared_ptr<GateFile> shown() const TURNSTILE_EXCLUDES(mutex_);
  void enter(const Claim& claim) noexcept;
  void record(const Claim& claim) noexcept;
  void wake_first() noexcept;
  [[nodiscard]] std::uint64_t own_bit() const noexcept;
  [[nodiscard]] std::uint64_t others_in_line() const noexcept;
  [[nodiscard]] std::uint64_t ahead_of(std::uint64_t ticket) const noexcept;
  [[nodiscard]] bool is_crowded() const noexcept;

  static constexpr std::uint64_t kNothingSeen = std::numeric_limits<std::uint64_t>::max();

  const sqlite::ForkGuard fork_guard_;
  const std::int64_t pid_;
  const std::uint64_t pid_namespace_;
  const std::filesystem::path database_;
  std::shared_ptr<GateFile> file_;
  std::shared_ptr<GateFile> successor_;
  std::chrono::steady_clock::time_point checked_at_;  // Whether the file is still in place.
  std::atomic<bool> held_{false};
  bool without_ = false;        // What counts as held is not: another process has the lock.
  bool lost_ = false;           // The file is not in place, and there is no successor.
  std::uint64_t publications_;  // Begun with the time, so that no two processes count alike.
  std::chrono::steady_clock::time_point since_;     // Of the present possession.
  std::chrono::steady_clock::time_point given_at_;  // End of the last one.

  // The state of the record that was seen last while waiting, and since when.
  std::uint64_t seen_ = kNothingSeen;
  std::chrono::steady_clock::time_point seen_since_;

  // The same file, for those without the turn.
  mutable Mutex mutex_;
  std::shared_ptr<GateFile> shown_ TURNSTILE_GUARDED_BY(mutex_);
};

}  // namespace turnstile::gate
