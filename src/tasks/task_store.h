// What all copies of a TaskQueue share.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "tasks/bell.h"
#include "turnstile/tasks.h"

namespace turnstile::detail {

/// Threads: shared.
class TaskStore {
 public:
  TaskStore(Lane of_lane, TaskOptions with_options, std::uint64_t with_seed)
      : lane(std::move(of_lane)), options(std::move(with_options)), seed(with_seed) {}

  [[nodiscard]] TaskTime now() const {
    return std::chrono::floor<TaskTime::duration>(options.now ? options.now()
                                                              : std::chrono::system_clock::now());
  }

  const Lane lane;
  const TaskOptions options;
  const std::uint64_t seed;
  std::atomic<bool> closed{false};
  tasks::Bell bell;
};

}  // namespace turnstile::detail
