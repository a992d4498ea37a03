#include "database/board.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <utility>

#include "sqlite/shown_sql.h"

namespace turnstile::database {

namespace {

std::string board_name(std::uint64_t device, std::uint64_t inode) {
  return "turnstile-board:" + std::to_string(major(device)) + ":" + std::to_string(minor(device)) +
         ":" + std::to_string(inode);
}

}  // namespace

Board::Board(const Location& location) : page_(nullptr) {
  if (!location.in_memory)
    shared_ =
        gate::SharedMemory::make(board_name(location.device, location.inode), sizeof(BoardPage));
  if (!shared_) own_ = std::make_unique<BoardPage>();
  page_ = shared_ ? static_cast<BoardPage*>(shared_->data()) : own_.get();
}

LaneRecorder& Board::add_lane(std::string_view name) {
  for (BoardPage::Lane& lane : page_->lanes) {
    if (lane.used.load(std::memory_order_relaxed) != 0) continue;
    std::copy_n(name.begin(), sqlite::fitting(name, lane.name.size() - 1), lane.name.begin());
    lane.used.store(1, std::memory_order_release);
    return lane.recorder;
  }
  return *hidden_.emplace_back(std::make_unique<LaneRecorder>());
}

void Board::show(std::size_t readers, bool writable) noexcept {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  page_->opened_ns.store(std::chrono::nanoseconds(now).count(), std::memory_order_relaxed);
  page_->readers.store(static_cast<std::int64_t>(readers), std::memory_order_relaxed);
  page_->writers.store(writable ? 1 : 0, std::memory_order_relaxed);
  page_->magic.store(BoardPage::kMagic, std::memory_order_release);
}

Metrics BoardPage::metrics() const {
  Metrics metrics;
  for (const Lane& lane : lanes) {
    if (lane.used.load(std::memory_order_acquire) == 0) break;
    const auto end = std::find(lane.name.begin(), lane.name.end(), '\0');
    metrics.lanes.push_back(lane.recorder.snapshot({lane.name.begin(), end}));
  }
  std::ranges::sort(metrics.lanes, {}, &LaneMetrics::name);
  recorder.add_to(metrics);
  wal.add_to(metrics.wal);
  const auto leased = std::ranges::count_if(
      reader_calls, [](const gate::CallRecord& record) { return record.call().has_value(); });
  const auto all = readers.load(std::memory_order_relaxed);
  metrics.pool.connections = static_cast<int>(all + writers.load(std::memory_order_relaxed));
  metrics.pool.readers_leased = static_cast<int>(leased);
  metrics.pool.readers_idle = static_cast<int>(std::max<std::int64_t>(all - leased, 0));
  metrics.pool.readers_waiting = static_cast<int>(readers_waiting.load(std::memory_order_relaxed));
  metrics.pool.writers_waiting = static_cast<int>(writers_waiting.load(std::memory_order_relaxed));
  return metrics;
}

std::uint32_t BoardPage::waiting_writes() const noexcept {
  const Stage now = stage.load(std::memory_order_relaxed);
  const bool has_to_wait = now != Stage::Idle && now != Stage::Working;
  return writers_waiting.load(std::memory_order_relaxed) +
         (has_to_wait ? alone.load(std::memory_order_relaxed) : 0);
}

std::optional<ForeignBoard> ForeignBoard::find(std::int64_t pid, std::uint64_t device,
                                               std::uint64_t inode) {
  auto memory = gate::ForeignMemory::find(pid, board_name(device, inode), sizeof(BoardPage));
  if (!memory) return std::nullopt;
  ForeignBoard board(std::move(*memory));
  if (board.page().magic.load(std::memory_order_acquire) != BoardPage::kMagic) return std::nullopt;
  return board;
}

}  // namespace turnstile::database
