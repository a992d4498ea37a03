// The readers, lent one at a time in the order of arrival.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <utility>
#include <vector>

#include "gate/call_record.h"
#include "gate/claim.h"
#include "gate/mutex.h"
#include "sqlite/connection.h"
#include "sqlite/deadline.h"
#include "sqlite/fork_guard.h"

namespace turnstile::gate {

/// Owns the reader connections. It knows nothing of what is done with them: whoever gives one back
/// has cleaned it. An interrupt is for who has the reader, and ends with its loan.
///
/// Threads: shared.
class ReaderPool {
 public:
  /// `records` are where the loans show, and `waiting` how many wait for one; those that find no
  /// record free do not show. Both outlive the pool.
  explicit ReaderPool(std::vector<std::unique_ptr<sqlite::Connection>> connections,
                      std::span<CallRecord> records = {},
                      std::atomic<std::uint32_t>* waiting = nullptr);
  ReaderPool(const ReaderPool&) = delete;
  ReaderPool& operator=(const ReaderPool&) = delete;

  /// A connection on loan. Threads: confined.
  class Lease {
   public:
    Lease() noexcept = default;
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&& other) noexcept;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease();

    [[nodiscard]] explicit operator bool() const noexcept { return pool_ != nullptr; }
    [[nodiscard]] sqlite::Connection& connection() const noexcept;
    /// False when a reader was free.
    [[nodiscard]] bool had_to_wait() const noexcept { return had_to_wait_; }

   private:
    friend class ReaderPool;
    Lease(ReaderPool* pool, std::size_t slot, bool had_to_wait) noexcept
        : pool_(pool), slot_(slot), had_to_wait_(had_to_wait) {}
    ReaderPool* pool_ = nullptr;
    std::size_t slot_ = 0;
    bool had_to_wait_ = false;
  };

  /// A reader beside the pool, for what takes too long to keep one of the pool from the others. It
  /// is counted, named, interrupted and waited for as if it had been lent. Threads: confined.
  class Guest {
   public:
    Guest(ReaderPool& pool, std::unique_ptr<sqlite::Connection> connection,
          const Claim& claim) noexcept
        : pool_(pool), connection_(std::move(connection)), claim_(claim) {}
    /// Closes the connection; only then the pool can be idle.
    ~Guest() { pool_.leave(*this); }
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;

    /// False once the pool is closed.
    [[nodiscard]] bool enter() { return pool_.enter(*this); }
    [[nodiscard]] sqlite::Connection& connection() const noexcept { return *connection_; }

   private:
    friend class ReaderPool;
    ReaderPool& pool_;
    std::unique_ptr<sqlite::Connection> connection_;
    const Claim claim_;
    CallRecord* record_ = nullptr;
  };

  /// Waits for a reader; `lease` is set when Granted. The last one given back is lent first: its
  /// page cache is the warmest.
  [[nodiscard]] Wait lease(const Claim& claim, Deadline deadline, Lease& lease,
                           const std::stop_token& stop = {}) TURNSTILE_EXCLUDES(mutex_);

  /// From now on nobody is lent anything; those who wait wake up with Closed.
  void close() TURNSTILE_EXCLUDES(mutex_);
  /// Waits until every reader is back and no guest is there. False when the deadline passed first.
  [[nodiscard]] bool wait_until_idle(Deadline deadline) TURNSTILE_EXCLUDES(mutex_);
  /// Closes the connections, once all are back and nothing is lent any more.
  void close_connections() noexcept TURNSTILE_EXCLUDES(mutex_);
  /// Interrupts the SQL of every lent reader; returns how many there are.
  std::size_t interrupt_leased() TURNSTILE_EXCLUDES(mutex_);
  /// Interrupts the SQL of those who have had a reader since `since` or longer and have not been
  /// interrupted yet, saying that it is for the log's limit; returns who they are.
  std::vector<Claim> interrupt_older_than(std::chrono::steady_clock::time_point since)
      TURNSTILE_EXCLUDES(mutex_);

  /// Who has had a reader for the longest time, if anybody has one.
  [[nodiscard]] std::optional<Claim> oldest_holder() const TURNSTILE_EXCLUDES(mutex_);

  struct Counts {
    std::size_t idle = 0;
    std::size_t leased = 0;
    std::size_t waiting = 0;
  };
  [[nodiscard]] Counts counts() const TURNSTILE_EXCLUDES(mutex_);

 private:
  // On the stack of the thread that waits.
  struct Waiter {
    Claim claim;
    CondVar wake_up;
    std::optional<Wait> outcome;  // Guarded by the pool's mutex, as `slot` is.
    std::size_t slot = 0;
  };
  [[nodiscard]] Wait stand_in_line(const Claim& claim, Deadline deadline, Lease& lease,
                                   const std::stop_token& stop) TURNSTILE_EXCLUDES(mutex_);
  void give_up(Waiter& waiter, Wait outcome) TURNSTILE_REQUIRES(mutex_);
  void lend(std::size_t slot, const Claim& claim) TURNSTILE_REQUIRES(mutex_);
  void show_waiting() noexcept TURNSTILE_REQUIRES(mutex_);
  void show(Guest& guest) noexcept TURNSTILE_REQUIRES(mutex_);
  void give_back(std::size_t slot) noexcept TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] bool enter(Guest& guest) TURNSTILE_EXCLUDES(mutex_);
  void leave(Guest& guest) noexcept TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] bool is_idle() const TURNSTILE_REQUIRES(mutex_);

  const sqlite::ForkGuard fork_guard_;
  const std::span<CallRecord> records_;  // By connection; those behind are for guests.
  std::atomic<std::uint32_t>* const shown_waiting_;

  // Without the mutex, which is for who has them: only close_connections() changes them, when
  // nobody can have one any more.
  std::vector<std::unique_ptr<sqlite::Connection>> connections_;

  mutable Mutex mutex_;
  CondVar all_back_;
  std::vector<std::optional<Claim>> holders_ TURNSTILE_GUARDED_BY(mutex_);  // By connection.
  std::vector<std::size_t> idle_ TURNSTILE_GUARDED_BY(mutex_);  // The last one is the warmest.
  std::list<Waiter*> queue_ TURNSTILE_GUARDED_BY(mutex_);       // Empty while one is idle.
  std::list<Guest*> guests_ TURNSTILE_GUARDED_BY(mutex_);
  bool closed_ TURNSTILE_GUARDED_BY(mutex_) = false;
};

}  // namespace turnstile::gate
