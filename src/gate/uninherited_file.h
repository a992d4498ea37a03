// An open file that the child of a fork() does not keep.
//
// flock() and open-file-description locks belong to the open file, and so do mappings: a child that
// had inherited either would keep its dead parent's locks for as long as it lived.
#pragma once

#include <atomic>
#include <cstddef>

#include "gate/mutex.h"
#include "turnstile/detail/function_ref.h"

namespace turnstile::gate {

/// In a child of fork() there is no descriptor, and the memory is the child's own, all zero: who
/// does not know of the fork finds nothing to work with, and nothing of the parent's.
///
/// Threads: shared, but for map().
class UninheritedFile {
 public:
  /// `open` gives the descriptor, which is this object's from then on. No fork() of another thread
  /// comes between the two; so it must be quick.
  explicit UninheritedFile(detail::FunctionRef<int()> open);
  /// Unmaps and closes.
  ~UninheritedFile();
  UninheritedFile(const UninheritedFile&) = delete;
  UninheritedFile& operator=(const UninheritedFile&) = delete;

  [[nodiscard]] int descriptor() const noexcept {
    return descriptor_.load(std::memory_order_relaxed);
  }

  /// Maps the beginning of the file, shared; once. Null, with errno, when that fails.
  [[nodiscard]] void* map(std::size_t size, int protection) noexcept;

 private:
  friend class OpenFiles;
  void abandon() noexcept;  // In the child.

  std::atomic<int> descriptor_{-1};
  void* memory_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace turnstile::gate
