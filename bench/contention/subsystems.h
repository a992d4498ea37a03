// The five subsystems of a program, as one thread of it plays them: records, vectors, audit, cron,
// tasks. They are the work that the targets were set with, without the product's own subsystems:
// what is compared is the way to the file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contention/ledger.h"
#include "contention/pacer.h"
#include "contention/queries.h"
#include "contention/tally.h"

namespace turnstile::bench {

inline constexpr std::int64_t kEntities = 10'000;
inline constexpr std::int64_t kEmbeddings = 2'000;
inline constexpr std::int64_t kUpserts = 16;  ///< Embeddings in a transaction.
inline constexpr std::size_t kDimensions = 384;
inline constexpr std::int64_t kCronJobs = 16;
inline constexpr double kAuditPerSecond = 1000;
inline constexpr double kCronPerSecond = 50;
/// A loop without pauses would take the lock back at once each time, where nobody queues for it,
/// and so hardly ever wait: its p99 would tell of its own greed and not of what a task meets.
inline constexpr double kTaskStepsPerSecond = 2000;

/// What the threads of a mix did, by subsystem. Threads: confined.
struct MixTally {
  Tally reads;     ///< Entities.
  Tally updates;   ///< Entities, read and written.
  Tally upserts;   ///< Sixteen embeddings.
  Tally searches;  ///< Over all embeddings.
  Tally audit;     ///< Its waits are the caller's; Turnstile's caller hands the event in.
  Tally cron;
  Tally tasks;  ///< Steps: enqueue, claim, complete.
  std::uint64_t enqueued = 0;
  std::uint64_t completed = 0;

  void merge(const MixTally& other);
};

/// Makes a file with the five subsystems' tables and their first rows.
void make_mix_file(const std::string& path);

/// Everything in `tally` must be in the file.
void expect_mix(Ledger& ledger, const MixTally& tally);

/// An embedding: 384 numbers that depend on `seed`.
using Embedding = std::array<float, kDimensions>;
Embedding make_embedding(std::uint64_t seed);
/// The likeness of two embeddings, of which one is bytes in a page of SQLite's.
float likeness(const Embedding& one, std::span<const std::byte> other);

enum class Role { Records, Vectors, Audit, Cron, Tasks };
inline constexpr int kRoles = 5;

/// Which of the subsystems thread `index` of `threads` plays: few threads share all five, of many
/// each has one.
std::vector<Role> roles_of(int index, int threads);

/// Names of lanes. A subsystem has one, whichever thread plays it.
std::string_view lane_of(Role role);

}  // namespace turnstile::bench
