// Which files are to be looked at, shared by all workers of all processes on one file.
//
// A worker claims a path before it reads the file, so that two do not read the same one, and the
// claim is checked again in the transaction that stores the result. A claim is a lease: when its
// owner dies, the path is free again a moment later, and when its owner was only slow, what it
// brings is refused. Nothing has to find out whether a process lives.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scanner.h"
#include "turnstile/lane.h"

namespace kb {

struct Claim {
  std::int64_t id = 0;
  std::string path;
  std::int64_t owner = 0;
};

enum class QueueState {
  Empty,
  Claimed,  ///< All that is left is being done by others, or was when they died.
  Available,
};

/// Threads: shared.
class WorkQueue {
 public:
  WorkQueue(turnstile::Lane lane, std::chrono::milliseconds lease)
      : lane_(std::move(lane)), lease_(lease) {}

  /// Queues those of `files` whose stamps are not the stored ones; returns how many were unknown.
  std::int64_t offer(std::span<const FoundFile> files) const;

  /// Queues stored paths below `root` that are no longer there; returns how many.
  std::int64_t offer_missing(const std::string& root) const;

  /// Takes the oldest free path for a while. `owner` is a number of the worker's own.
  [[nodiscard]] std::optional<Claim> claim(std::int64_t owner) const;

  /// Ends a claim in the transaction that stores its result. False: the lease ran out and somebody
  /// else has the path now; then nothing may be stored.
  [[nodiscard]] static bool finish(turnstile::WriteTx& tx, const Claim& claim);

  [[nodiscard]] QueueState state() const;
  /// How many paths are queued, claimed ones too.
  [[nodiscard]] std::int64_t size() const;

 private:
  turnstile::Lane lane_;
  std::chrono::milliseconds lease_;
};

}  // namespace kb
