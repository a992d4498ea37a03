// Where an open database measures what it does: in memory that other processes can read, so that
// `turnstile locks`, `top` and `serve` see what a process does without asking it. It may hang.
//
// Nothing is copied for them: the recorders of metrics.h, and a record of who has each connection,
// stand there. See docs/decisions/0029-who-holds-what.md.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "database/location.h"
#include "database/metrics.h"
#include "gate/call_record.h"
#include "gate/shared_memory.h"

namespace turnstile::database {

/// What the writer is waiting for, so that those behind it can be told of the real cause.
enum class Stage : std::uint32_t { Idle, AtSharedTurn, AtGate, AtEngine, Working };

/// The layout, which is the same in all processes of this version. All zero is the initial state.
struct BoardPage {
  /// The last byte is the version: a page of another layout must not be read.
  static constexpr std::uint64_t kMagic = 0x5475726e42524401;
  static constexpr std::size_t kLanes = 48;
  static constexpr std::size_t kReaders = 32;

  struct Lane {
    std::atomic<std::uint32_t> used;  ///< Once it is 1, the name does not change any more.
    /// UTF-8, and of one lane only; ends with a zero byte. Longer names are cut.
    std::array<char, 60> name;
    LaneRecorder recorder;
  };

  std::atomic<std::uint64_t> magic;     ///< 0: not open any more.
  std::atomic<std::int64_t> opened_ns;  ///< CLOCK_MONOTONIC, as in the records.
  std::atomic<std::int64_t> readers;    ///< Reader connections.
  std::atomic<std::int64_t> writers;    ///< 1, or 0 when it is open for reading only.
  std::atomic<Stage> stage;
  std::atomic<std::uint32_t> alone;  ///< 1: the turn is a call's own, which is not in the line.
  std::atomic<std::uint32_t> readers_waiting;
  std::atomic<std::uint32_t> writers_waiting;  ///< In the line for the writer's turn.
  Recorder recorder;
  WalRecorder wal;
  gate::CallRecord writer;
  std::array<gate::CallRecord, kReaders> reader_calls;
  std::array<Lane, kLanes> lanes;

  /// The lanes are those that are shown; the log file's size is left to the caller.
  [[nodiscard]] Metrics metrics() const;
  /// Writes that wait: in the line, or with the turn for something else.
  [[nodiscard]] std::uint32_t waiting_writes() const noexcept;
};

/// Threads: confined; the page has its own rules.
class Board {
 public:
  /// The memory of a database in memory is nobody else's; nor is any where the system refuses.
  explicit Board(const Location& location);
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;
  ~Board() = default;

  [[nodiscard]] BoardPage& page() noexcept { return *page_; }

  /// A place for a new lane's figures, for as long as this object lives. Those beyond kLanes do not
  /// show. A name that is taken already after it was cut gets a number: `#2`.
  [[nodiscard]] LaneRecorder& add_lane(std::string_view name);

  /// From now on it is seen.
  void show(std::size_t readers, bool writable) noexcept;
  void hide() noexcept { page_->magic.store(0, std::memory_order_release); }

 private:
  [[nodiscard]] std::string free_name(std::string_view wanted, std::size_t size) const;

  std::optional<gate::SharedMemory> shared_;
  std::unique_ptr<BoardPage> own_;  // Where there is none that is shared.
  BoardPage* page_;
  std::vector<std::unique_ptr<LaneRecorder>> hidden_;
};

/// The board of another process, or of this one. Threads: immutable.
class ForeignBoard {
 public:
  /// Empty when the process shows none of the file with this identity, or of another version.
  [[nodiscard]] static std::optional<ForeignBoard> find(std::int64_t pid, std::uint64_t device,
                                                        std::uint64_t inode);

  [[nodiscard]] const BoardPage& page() const noexcept {
    return *static_cast<const BoardPage*>(memory_.data());
  }

 private:
  explicit ForeignBoard(gate::ForeignMemory memory) noexcept : memory_(std::move(memory)) {}

  gate::ForeignMemory memory_;
};

}  // namespace turnstile::database
