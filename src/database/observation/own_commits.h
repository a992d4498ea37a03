// The commits of this process on their way from whoever writes to the observer thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "gate/mutex.h"
#include "sqlite/touched.h"

namespace turnstile::database {

/// One commit, or several that had to be told together because they were too many.
///
/// Threads: confined.
struct OwnCommit {
  std::uint32_t first = 0;  ///< Numbers as in sqlite::CommitCounter.
  std::uint32_t last = 0;
  std::uint64_t count = 1;  ///< The other numbers from first to last are of other processes.
  std::vector<sqlite::Touched::Set> sets;
  bool everything = false;
};

/// Threads: shared; announce(), withdraw() and note() are for whoever has the writer's turn.
class OwnCommits {
 public:
  /// While nobody listens, nothing is kept.
  void listen(bool on) noexcept { listening_.store(on); }
  [[nodiscard]] bool heard() const noexcept { return listening_.load(std::memory_order_acquire); }

  /// Before COMMIT: whoever sees that number in the file is to wait for the note.
  void announce(std::uint32_t number) noexcept { announced_.store(kAnnounced | number); }
  /// It did not come to that.
  void withdraw() noexcept { announced_.store(0); }
  /// After COMMIT. True when somebody listens.
  bool note(std::uint32_t number, const sqlite::Touched& touched) noexcept
      TURNSTILE_EXCLUDES(mutex_);

  [[nodiscard]] std::optional<std::uint32_t> announced() const noexcept;
  /// What has been noted, up to that number.
  [[nodiscard]] std::vector<OwnCommit> take(std::uint32_t up_to) TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] std::vector<OwnCommit> take_all() TURNSTILE_EXCLUDES(mutex_);

 private:
  static constexpr std::uint64_t kAnnounced = std::uint64_t{1} << 32U;

  void append(std::uint32_t number, const sqlite::Touched& touched) TURNSTILE_REQUIRES(mutex_);

  std::atomic<bool> listening_{false};
  std::atomic<std::uint64_t> announced_{0};
  gate::Mutex mutex_;
  std::vector<OwnCommit> commits_ TURNSTILE_GUARDED_BY(mutex_);
};

}  // namespace turnstile::database
