// Ctrl-C and its kin.
//
// The signals are not handled where they strike: they are blocked in every thread, and one thread
// waits for them. So what has to be done then (closing the database from outside, which takes locks
// and memory) is ordinary code.
#pragma once

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <mutex>
#include <thread>

namespace turnstile::cli {

/// Turns SIGINT, SIGTERM and SIGHUP into a clean end with status 130. Made before any other thread.
///
/// The first signal runs the stop action that is set and expects the command to end soon. Without
/// an action, or when the command does not end, or at a second signal, the process ends at once.
/// That loses nothing either: what is not committed is undone by whoever opens the file next.
///
/// Threads: shared.
class Interrupts {
 public:
  /// `json`: how to tell of an end at once.
  explicit Interrupts(bool json);
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  [[nodiscard]] bool requested();

  /// Waits for a signal, at most for `span`; true when there has been one.
  [[nodiscard]] bool wait_for(std::chrono::milliseconds span);

  /// Longer than a command needs that can be stopped, and short for one who waits at a terminal:
  /// what cannot be stopped is a write to a pipe that nobody reads.
  static constexpr std::chrono::seconds kGrace{1};

  /// While it exists, a signal runs `action` on another thread. Its end waits for a running one.
  ///
  /// Threads: confined.
  class StopAction {
   public:
    /// `grace`: how long after a first signal the command may take to end.
    StopAction(Interrupts& interrupts, std::function<void()> action,
               std::chrono::seconds grace = kGrace);
    ~StopAction();
    StopAction(const StopAction&) = delete;
    StopAction& operator=(const StopAction&) = delete;

   private:
    Interrupts& interrupts_;
  };

 private:
  void watch();
  [[noreturn]] void end_now() const;

  const bool json_;
  sigset_t signals_{};

  // Guarded by mutex_.
  bool requested_ = false;
  bool finished_ = false;
  bool action_runs_ = false;
  std::function<void()> action_;
  std::chrono::seconds grace_ = kGrace;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::thread watcher_;
};

}  // namespace turnstile::cli
