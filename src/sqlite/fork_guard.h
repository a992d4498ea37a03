// Whether a fork() has come between the opening of something and its use.
//
// A child of fork() has a copy of its parent's connections but not its threads, and what it does
// with the copy damages the parent: SQLite's locks stay with the parent although the copy believes
// that it has them, and the log's index in shared memory is the parent's own
// (https://sqlite.org/howtocorrupt.html, 2.6). So whatever belongs to an open database has a guard,
// and refuses to work, to close or to end anything in a child.
//
// Seen are fork() and what is built on it. A bare _Fork() or clone() is not: they call no handlers.
#pragma once

#include <atomic>
#include <cstdint>

namespace turnstile::sqlite {

/// Counted up in the child of every fork().
inline std::atomic<std::uint32_t> process_generation{0};

/// Threads: immutable.
class ForkGuard {
 public:
  /// Throws std::bad_alloc when the first one cannot have fork() watched.
  ForkGuard();

  /// True in the children of the process that made this.
  [[nodiscard]] bool forked() const noexcept {
    return process_generation.load(std::memory_order_relaxed) != generation_;
  }

 private:
  std::uint32_t generation_;
};

}  // namespace turnstile::sqlite
