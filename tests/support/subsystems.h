// One application of all five subsystems: what its processes and the test that kills them agree on.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "turnstile/records.h"
#include "turnstile/text.h"
#include "turnstile/turnstile.h"
#include "turnstile/vectors.h"

namespace turnstile::test {

/// What the application keeps; the text index is over `body`.
struct Memo {
  std::int64_t id = 0;
  std::string key;
  std::string body;
};

/// Beside the subsystems' own tables: what a task and what a due time have done, a row each time.
[[nodiscard]] inline Options memo_options() {
  Options options;
  options.busy_timeout = std::chrono::seconds(60);
  options.migrations = {{1, "effects",
                         "CREATE TABLE task_effect(task INTEGER, attempt INTEGER);"
                         "CREATE TABLE cron_effect(due INTEGER)"}};
  return options;
}

inline constexpr const char* kMemoJob = "tick";
inline constexpr std::chrono::milliseconds kMemoPeriod{500};

[[nodiscard]] inline TextIndexOptions memo_text() {
  return {.name = "memo_text", .table = "memo", .columns = {{.name = "body"}}};
}

[[nodiscard]] inline VectorDefinition memo_vectors() {
  VectorDefinition definition;
  definition.dimension = 8;
  return definition;
}

/// Of the n-th memo of a process.
[[nodiscard]] inline std::vector<float> memo_vector(std::int64_t n) {
  std::vector<float> vector(8, 1.0F);
  vector[static_cast<std::size_t>(n % 8)] += static_cast<float>(n % 100);
  return vector;
}

}  // namespace turnstile::test

template <>
struct turnstile::Describe<turnstile::test::Memo> {
  using Memo = turnstile::test::Memo;
  static constexpr auto table() {
    return turnstile::table("memo", column<&Memo::id>("id").primary_key(),
                            column<&Memo::key>("key").unique(), column<&Memo::body>("body"));
  }
};
