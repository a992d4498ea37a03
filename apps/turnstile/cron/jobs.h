// What the commands of the group share: the jobs of a database, and how they are printed.
#pragma once

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "context.h"
#include "failure.h"
#include "turnstile/cron.h"
#include "turnstile/database.h"

namespace turnstile::cli {

/// The kind of jobs that run a program; their payload is a command_payload().
inline constexpr std::string_view kShellKind = "shell";

/// The jobs of a database that a command opens for writing or for reading.
///
/// Threads: confined.
class Jobs {
 public:
  [[nodiscard]] static Jobs for_writing(const Context& context);
  /// Makes no tables; without them there are no jobs.
  [[nodiscard]] static Jobs for_reading(const Context& context);

  /// Null when the database has no jobs and is not to get any.
  [[nodiscard]] Scheduler* scheduler() noexcept { return scheduler_.get(); }

 private:
  explicit Jobs(Database database) : database_(std::move(database)) {}

  Database database_;
  std::unique_ptr<Scheduler> scheduler_;
};

/// The failure (NotFound) that says so, with the name that was probably meant.
[[nodiscard]] Failure no_such_job(std::string_view name, Scheduler* scheduler);

[[nodiscard]] nlohmann::ordered_json to_json(const CronJob& job);
[[nodiscard]] nlohmann::ordered_json to_json(const CronRecord& record);

/// `time` by the clock of the zone, to the second; by UTC where the zone is not known here.
[[nodiscard]] std::string local_time(std::optional<std::chrono::system_clock::time_point> time,
                                     const std::string& zone);

/// The due times that a record stands for, where that is more than one: `(7 due times)`.
[[nodiscard]] std::string due_times_of(const CronRecord& record);

}  // namespace turnstile::cli
