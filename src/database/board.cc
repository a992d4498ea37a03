#include "database/board.h"

#include <sys/sysmacros.h>

#include <algorithm>
#include <utility>

#include "sqlite/shown_sql.h"
#include "sqlite/utf8.h"

namespace turnstile::database {

namespace {

std::string board_name(std::uint64_t device, std::uint64_t inode) {
  return "turnstile-board:" + std::to_string(major(device)) + ":" + std::to_string(minor(device)) +
         ":" + std::to_string(inode);
}

bool is_shown(const void* data) {
  const auto* const page = static_cast<const BoardPage*>(data);
  return page->magic.load(std::memory_order_acquire) == BoardPage::kMagic;
}

std::string_view name_of(const BoardPage::Lane& lane) {
  return {lane.name.begin(), std::find(lane.name.begin(), lane.name.end(), '\0')};
}

// What a name ends at cannot be in it, and everybody who reads it relies on UTF-8.
std::string readable(std::string_view name) {
  std::string result = sqlite::escape_invalid_utf8(name);
  for (std::size_t at = result.find('\0'); at != result.npos; at = result.find('\0', at))
    result.replace(at, 1, "\\x00");
  return result;
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
    std::ranges::copy(free_name(name, lane.name.size() - 1), lane.name.begin());
    lane.used.store(1, std::memory_order_release);
    return lane.recorder;
  }
  return *hidden_.emplace_back(std::make_unique<LaneRecorder>());
}

// Whoever adds figures up by name must not find two lanes of one name.
std::string Board::free_name(std::string_view wanted, std::size_t size) const {
  const std::string name = readable(wanted);
  std::string result = name.substr(0, sqlite::fitting(name, size));
  const auto is_taken = [&](const BoardPage::Lane& lane) {
    return lane.used.load(std::memory_order_relaxed) != 0 && name_of(lane) == result;
  };
  for (int number = 2; std::ranges::any_of(page_->lanes, is_taken); ++number) {
    const std::string mark = '#' + std::to_string(number);
    result = name.substr(0, sqlite::fitting(name, size - mark.size())) + mark;
  }
  return result;
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
    metrics.lanes.push_back(lane.recorder.snapshot(std::string(name_of(lane))));
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
  // One that is closed may be beside the one that is open, for as long as somebody has a lane of
  // it.
  auto memory =
      gate::ForeignMemory::find(pid, board_name(device, inode), sizeof(BoardPage), is_shown);
  if (!memory) return std::nullopt;
  return ForeignBoard(std::move(*memory));
}

}  // namespace turnstile::database
