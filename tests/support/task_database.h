// The database that most tests of the tasks use: an empty file with a queue, and a clock that the
// test sets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/manual_clock.h"
#include "support/temp_dir.h"
#include "turnstile/tasks.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {

/// A task of the kind `work`.
[[nodiscard]] inline NewTask work(Value payload = {}) {
  NewTask task;
  task.kind = "work";
  task.payload = std::move(payload);
  return task;
}

/// The same, to be done after others.
[[nodiscard]] inline NewTask work_after(std::vector<TaskId> after) {
  NewTask task = work();
  task.after = std::move(after);
  return task;
}

/// Threads: as Database.
class TaskDatabase {
 public:
  explicit TaskDatabase(TaskOptions options = {}, Options database = {})
      : database_(Database::open(file(), std::move(database))),
        queue_(database_.lane("tasks"), with_clock(std::move(options))) {}

  [[nodiscard]] std::string file() const { return directory_.file("tasks.db"); }
  [[nodiscard]] Database& database() noexcept { return database_; }
  [[nodiscard]] Lane lane(std::string_view name = "test") const { return database_.lane(name); }
  [[nodiscard]] ManualClock& clock() noexcept { return clock_; }
  [[nodiscard]] TaskQueue& queue() noexcept { return queue_; }
  [[nodiscard]] TaskQueue* operator->() noexcept { return &queue_; }

  [[nodiscard]] TaskState state(TaskId id) const { return queue_.find(id).value().state; }
  /// The claim of the task that is next, which there must be.
  [[nodiscard]] TaskClaim must_claim() const { return queue_.claim().value(); }

 private:
  [[nodiscard]] TaskOptions with_clock(TaskOptions options) const {
    options.now = clock_.source();
    if (!options.seed) options.seed = 1;
    return options;
  }

  TempDir directory_;
  ManualClock clock_;
  Database database_;
  TaskQueue queue_;
};

}  // namespace turnstile::test
