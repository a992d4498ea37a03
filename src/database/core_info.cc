// What a Core tells of itself. Apart from core.cc, which is about who may go when.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>

#include "database/core.h"
#include "sqlite/error_code.h"

namespace turnstile::detail {

namespace {

// 0 when there is no such file.
std::int64_t size_of(const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return error ? 0 : static_cast<std::int64_t>(size);
}

}  // namespace

DatabaseInfo Core::info() {
  const Call call = make_call("info", CallOptions{std::chrono::milliseconds(0)},
                              code("READ_TIMEOUT"), std::source_location::current());
  require_open(call);
  DatabaseInfo info;
  info.path = location_.path.string();
  info.phases = phases_;
  info.settings = settings_;
  info.schema_version = schema_version_.load(std::memory_order_relaxed);
  info.engine = engine_info();
  if (!location_.in_memory) {
    info.file_bytes = size_of(location_.path);
    info.wal_bytes = size_of(location_.path.string() + "-wal");
  }
  for (const Setting& setting : settings_)
    if (setting.name == "page_size") info.page_size_bytes = std::stoll(setting.in_force);
  count_free_pages(info, call);
  info.pool = pool_info();
  info.counters = counters();
  return info;
}

PoolInfo Core::pool_info() const {
  PoolInfo pool;
  const auto counts = readers_->counts();
  pool.readers_idle = static_cast<int>(counts.idle);
  pool.readers_leased = static_cast<int>(counts.leased);
  pool.readers_waiting = static_cast<int>(counts.waiting);
  pool.connections = static_cast<int>(counts.idle + counts.leased);
  if (writable_) ++pool.connections;
  if (writer_) pool.writers_waiting = static_cast<int>(writer_->waiting());
  return pool;
}

bool Core::is_busy() const {
  const auto readers = readers_->counts();
  if (readers.leased > 0 || readers.waiting > 0) return true;
  const auto now = std::chrono::milliseconds::zero();
  return writer_ && !writer_->wait_until_idle(Deadline::after(now));
}

Counters Core::counters() {
  Counters counters;
  {
    gate::MutexLock lock(lanes_mutex_);
    for (auto& [name, lane] : lanes_)
      lane.recorder().add_to(counters);
  }
  recorder_.add_to(counters);
  counters.checkpoints = board_.page().wal.checkpoints();
  return counters;
}

Metrics Core::metrics() {
  Call call;
  call.lane = "metrics";
  require_open(call);
  Metrics metrics;
  {
    gate::MutexLock lock(lanes_mutex_);
    for (auto& [name, lane] : lanes_)
      metrics.lanes.push_back(lane.recorder().snapshot(name));
  }
  recorder_.add_to(metrics);
  metrics.pool = pool_info();
  board_.page().wal.add_to(metrics.wal);
  if (checkpointer() != nullptr) metrics.wal.file_bytes = size_of(location_.path.string() + "-wal");
  return metrics;
}

Capabilities Core::capabilities() const noexcept {
  return {.can_write = writable_,
          .readers_beside_writer = has_wal_ && has_readers_,
          .several_processes = !location_.in_memory,
          .group_commit = writable_,
          .durability_by_call = writable_ && has_wal_,
          .native_handle = true,
          .lock_diagnosis = !location_.in_memory};
}

}  // namespace turnstile::detail
