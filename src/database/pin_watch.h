// Who keeps the write-ahead log from being copied into the file.
//
// A checkpoint tells that somebody does, and not who. A reader of this process is known to the pool
// by its age and its place in the code; of another process the kernel knows that it reads, and
// since when it has been seen to do so at every look.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gate/reader_pool.h"
#include "sqlite/connection.h"
#include "turnstile/error.h"

namespace turnstile::database {

/// Threads: confined.
class PinWatch {
 public:
  using Clock = std::chrono::steady_clock;
  using FindForeign = std::function<std::vector<Holder>()>;

  /// `readers` may be null. `find_foreign` tells which other processes read.
  PinWatch(const gate::ReaderPool* readers, FindForeign find_foreign,
           std::chrono::milliseconds patience);

  /// After a checkpoint of a log of `log_bytes`: who is to be told of now, if anybody. The same one
  /// is told of again only when the log has doubled.
  [[nodiscard]] std::optional<Holder> look(const sqlite::CheckpointResult& result,
                                           std::int64_t log_bytes,
                                           Clock::time_point now = Clock::now());

  /// The last look found something that was not copied.
  [[nodiscard]] bool pinned() const noexcept { return pinned_; }

  /// Who has pinned the log for longest, whatever `patience` says; kind Unknown when nobody is
  /// found. Threads: shared.
  [[nodiscard]] Holder find_culprit() const;

 private:
  [[nodiscard]] std::optional<Holder> find(Clock::time_point now);
  [[nodiscard]] bool is_news(const Holder& holder, std::int64_t log_bytes);

  const gate::ReaderPool* const readers_;
  const FindForeign find_foreign_;
  const std::chrono::milliseconds patience_;

  bool pinned_ = false;
  int copied_frames_ = -1;          // Where the log is pinned.
  Clock::time_point pinned_since_;  // When it was first seen to be pinned there.
  std::vector<Holder> foreign_;     // Those that have read at every look since.

  std::optional<Holder> told_;
  std::int64_t told_bytes_ = 0;
};

}  // namespace turnstile::database
