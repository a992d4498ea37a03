// The writer's turn: in this process one writer at a time, in the order of arrival within a
// priority.
//
//   enter() -----> free, nobody waits? ------------------------> the caller has it
//      |                                                            |
//      +--> line, by priority and arrival                           | hand_over(), leave()
//             |         |                                           v
//             |         +---- a thread that wants it for itself <---+
//             |                                                     |
//             +-- work ----> the runner, which takes_work() <-------+
//
// Nobody barges: the turn is handed to whoever is first in line by whoever gives it up, so that a
// thread that comes back quickly cannot overtake one that sleeps. That is what SQLite's busy
// timeout gets wrong: measured with 16 threads and 20 ms transactions, one thread got 247 of 247
// commits.
//
// Who waits is either a thread that wants the turn for itself, or a piece of work that the runner,
// a thread of the library, does together with other such pieces in one transaction.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "gate/claim.h"
#include "gate/mutex.h"
#include "gate/polite_spin.h"
#include "sqlite/deadline.h"
#include "turnstile/detail/function_ref.h"
#include "turnstile/priority.h"

namespace turnstile::gate {

/// A place in the line. It must stay where it is, and alive, until its wait is over, or, for work
/// that nobody waits for, until it was taken out.
///
/// Threads: handed from one to the other by the line.
class Place {
 public:
  enum class Kind : std::uint8_t {
    Turn,      ///< A thread wants the turn for itself.
    Work,      ///< For the runner; a thread waits until it is done.
    Detached,  ///< For the runner; nobody waits.
  };

  Place(Kind kind, Priority priority, const Claim& claim) noexcept
      : claim_(claim), kind_(kind), priority_(priority) {}
  virtual ~Place() = default;
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  [[nodiscard]] const Claim& claim() const noexcept { return claim_; }
  [[nodiscard]] bool is_detached() const noexcept { return kind_ == Kind::Detached; }

 private:
  friend class WriterTurn;

  Claim claim_;
  const Kind kind_;
  const Priority priority_;
  bool came_again_ = false;  // This and what follows is guarded by the turn's mutex.
  bool queued_ = false;
  Place* previous_ = nullptr;
  Place* next_ = nullptr;
  std::atomic<std::uint32_t> state_{0};
};

/// Threads: shared.
class WriterTurn {
 public:
  /// By how much later than it came a call counts, by priority. That is the bound of overtaking.
  static constexpr std::array<std::chrono::milliseconds, 3> kHandicaps{
      std::chrono::milliseconds(0), std::chrono::milliseconds(50), std::chrono::milliseconds(500)};

  WriterTurn() = default;
  /// `shown_waiting` always has how many wait, and outlives the turn.
  explicit WriterTurn(std::atomic<std::uint32_t>& shown_waiting) noexcept
      : shown_waiting_(&shown_waiting) {}
  WriterTurn(const WriterTurn&) = delete;
  WriterTurn& operator=(const WriterTurn&) = delete;

  enum class Entry {
    Granted,  ///< The caller has the turn.
    Queued,   ///< wait(), unless it is detached.
    Closed,
  };
  /// Takes the turn if it is free and the place is not detached; otherwise stands in line. `again`:
  /// for somebody who has just had the turn, after close() too.
  [[nodiscard]] Entry enter(Place& place, bool again = false) TURNSTILE_EXCLUDES(mutex_);

  /// Waits for what the place stands for. Granted: the caller has the turn. Done: the runner has
  /// finished the work. TimedOut: only while it stood in line; what was begun is waited for.
  [[nodiscard]] Wait wait(Place& place, Deadline deadline) TURNSTILE_EXCLUDES(mutex_);
  /// enter() and wait() for the turn itself.
  [[nodiscard]] Wait acquire(Place& place, Deadline deadline) TURNSTILE_EXCLUDES(mutex_);

  /// Takes a place out of the line and ends its wait with `outcome`; false when it is not there any
  /// more, or came again: whoever is in the middle of something gets its turn.
  bool withdraw(Place& place, Wait outcome) TURNSTILE_EXCLUDES(mutex_);
  /// Takes out every detached place that `which` says yes to, which must be quick, and hands it to
  /// `use` afterwards.
  void withdraw_detached(detail::FunctionRef<bool(const Place&)> which,
                         detail::FunctionRef<void(Place&)> use) TURNSTILE_EXCLUDES(mutex_);

  /// Calls `act` if the turn is `place`'s own at this moment, and keeps it so meanwhile.
  void if_holder(const Place& place, detail::FunctionRef<void()> act) TURNSTILE_EXCLUDES(mutex_);
  /// From now on if_holder() of the present holder does nothing.
  void forget_holder_place() TURNSTILE_EXCLUDES(mutex_);

  /// Hands the turn to whoever is first in line; false, and the caller still has it, when nobody
  /// waits.
  [[nodiscard]] bool hand_over() TURNSTILE_EXCLUDES(mutex_);
  /// Hands the turn on, or frees it.
  void leave() TURNSTILE_EXCLUDES(mutex_);

  /// For the runner: waits until the turn is handed to it. False once stop_runner() was called and
  /// nothing is left for it.
  [[nodiscard]] bool await_runner_turn() TURNSTILE_EXCLUDES(mutex_);
  /// For the runner, while it has the turn: the work that is first in line, which is taken out of
  /// it; null when there is none, or a thread is first. `now` is when it gets the turn.
  [[nodiscard]] Place* take_work(std::chrono::steady_clock::time_point now =
                                     std::chrono::steady_clock::now()) TURNSTILE_EXCLUDES(mutex_);
  /// Ends the wait for work that is done. The place may be gone afterwards.
  static void finish(Place& place) noexcept;
  void stop_runner() TURNSTILE_EXCLUDES(mutex_);

  /// For the runner, while it has the turn: waits until so many wait in line, or until `deadline`.
  void await_arrivals(std::size_t count, Deadline deadline) noexcept;

  /// How long the runner holds the turn at a time, from its own measurement: where that is short,
  /// waiters do not go to sleep at once.
  void expect_hold(std::chrono::nanoseconds duration) noexcept;
  [[nodiscard]] PoliteSpin& spin() noexcept { return spin_; }

  /// From now on nobody new is let in. Who waits keeps waiting.
  void close() TURNSTILE_EXCLUDES(mutex_);
  /// Ends the waits of all threads with Closed, but of those who came again; they will get their
  /// turn. Hands every detached place to `use`.
  void cancel_waiting(detail::FunctionRef<void(Place&)> use) TURNSTILE_EXCLUDES(mutex_);
  /// Waits until nobody has the turn or waits for it. False when the deadline passed first.
  [[nodiscard]] bool wait_until_free(Deadline deadline) TURNSTILE_EXCLUDES(mutex_);

  /// Who has it, if anybody.
  [[nodiscard]] std::optional<Claim> holder() const TURNSTILE_EXCLUDES(mutex_);
  /// How many wait.
  [[nodiscard]] std::size_t waiting() const noexcept {
    return waiting_.load(std::memory_order_relaxed);
  }

 private:
  /// First come, first served. Threads: confined to whoever has the mutex.
  struct Line {
    Place* first = nullptr;
    Place* last = nullptr;
  };
  void push(Place& place) TURNSTILE_REQUIRES(mutex_);
  void remove(Place& place) TURNSTILE_REQUIRES(mutex_);
  void show_waiting() noexcept TURNSTILE_REQUIRES(mutex_);
  [[nodiscard]] Place* first_in_line() const TURNSTILE_REQUIRES(mutex_);
  void grant(const Place& place, std::chrono::steady_clock::time_point now)
      TURNSTILE_REQUIRES(mutex_);
  void grant_to_runner(const Place& next) TURNSTILE_REQUIRES(mutex_);
  static void settle(Place& place, Wait outcome) noexcept;
  void spin_for(const Place& place) noexcept;
  void announce_arrival() noexcept;

  mutable Mutex mutex_;
  std::optional<Claim> holder_ TURNSTILE_GUARDED_BY(mutex_);
  const Place* holder_place_ TURNSTILE_GUARDED_BY(mutex_) = nullptr;
  std::array<Line, kHandicaps.size()> lines_ TURNSTILE_GUARDED_BY(mutex_);  // By priority.
  bool closed_ TURNSTILE_GUARDED_BY(mutex_) = false;
  bool runner_has_turn_ TURNSTILE_GUARDED_BY(mutex_) = false;
  bool runner_stopping_ TURNSTILE_GUARDED_BY(mutex_) = false;
  CondVar runner_wake_;
  CondVar freed_;  // Notified when the turn is given up to nobody.
  std::atomic<std::size_t> waiting_{0};
  std::atomic<std::uint32_t>* const shown_waiting_ = nullptr;
  // What the runner waits for in await_arrivals(), and what it sleeps on.
  std::atomic<std::size_t> arrivals_wanted_{0};
  std::atomic<std::uint32_t> arrivals_word_{0};
  std::atomic<std::int64_t> expected_hold_ns_{0};
  PoliteSpin spin_;
};

}  // namespace turnstile::gate
