// The file behind the gate between processes: how it comes into being, what its page looks like,
// and which of the processes in it are alive. The rules of waiting are in process_gate.cc.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>

#include "gate/commit_ring.h"
#include "gate/uninherited_file.h"
#include "sqlite/shared_record.h"

namespace turnstile::gate {

inline constexpr int kGateSlots = 64;
inline constexpr int kNoSlot = -1;
inline constexpr std::size_t kGateFileSize = 8192;
/// The last byte is the version: a page of another layout must not be shared.
inline constexpr std::uint64_t kGateMagic = 0x5475726e73474101;

/// Who has the gate, as it says itself.
struct GateOwner {
  std::int64_t pid = 0;
  std::int64_t thread_id = 0;
  std::int64_t since_ns = 0;        ///< CLOCK_REALTIME.
  std::uint64_t pid_namespace = 0;  ///< Where `pid` means something; 0: unknown.
  int slot = kNoSlot;
  std::uint32_t generation = 0;  ///< Of the slot, which may have got another owner since.
  std::array<char, 48> lane{};   ///< Ends with a zero byte; longer names are cut.

  void set_lane(std::string_view name) noexcept;
};

/// GateOwner in shared memory: written by whoever has the gate, readable by everybody at any time.
class GateRecord {
 public:
  void write(const GateOwner& owner) noexcept { owner_.write(owner); }
  void clear() noexcept { owner_.write({}); }
  /// Empty when there is no owner, or one that died or stands still in the middle of write().
  [[nodiscard]] std::optional<GateOwner> read() const;
  /// Another one after each write and each clear.
  [[nodiscard]] std::uint64_t version() const noexcept { return owner_.version(); }

 private:
  sqlite::SharedRecord<GateOwner> owner_;
};

/// A process. It is alive as long as the slot's byte of the file is locked.
struct alignas(64) GateSlot {
  std::atomic<std::uint32_t> wake_ups;    ///< A futex: counted up by whoever wakes the process.
  std::atomic<std::uint32_t> generation;  ///< Counted up by every new owner.
  std::atomic<std::uint64_t> ticket;      ///< Its place in line; lower ones come first.
  std::atomic<std::int64_t> pid;
  std::atomic<std::uint64_t> pid_namespace;
};

/// What the processes share. All zero is the initial state, but for the magic number.
struct GatePage {
  std::atomic<std::uint64_t> magic;
  alignas(64) std::atomic<std::uint64_t> last_ticket;
  std::atomic<std::uint64_t> waiting;  ///< Bits of slots whose process stands in line.
  std::atomic<std::uint64_t> skip;     ///< Of these, the ones that did not answer when it was free.
  /// Since when (CLOCK_MONOTONIC) the first in line could have had the gate; 0 while somebody has
  /// it, so that 0 on a free gate means that its owner died. Changed only by whoever has it.
  std::atomic<std::int64_t> free_since_ns;
  /// When (CLOCK_MONOTONIC) a process that found no free slot last asked for the gate.
  std::atomic<std::int64_t> crowded_ns;
  alignas(64) GateRecord owner;
  std::array<GateSlot, kGateSlots> slots;
  CommitRing commits;
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free &&
                  std::atomic<std::uint32_t>::is_always_lock_free,
              "a lock inside an atomic would not be shared between processes");
static_assert(sizeof(GatePage) <= kGateFileSize);

/// A descriptor of the gate file with its page. Threads: shared, but for claim_slot().
class GateFile {
 public:
  /// Makes the file if it is not there, with the owner and the permissions of `database`. Waits no
  /// longer than `patience` for another process that is making it, which takes that microseconds.
  /// Throws StorageError (GATE_UNAVAILABLE, DB_DISK_FULL).
  GateFile(const std::filesystem::path& path, const std::filesystem::path& database,
           std::chrono::milliseconds patience = std::chrono::seconds(5));
  ~GateFile() = default;
  GateFile(GateFile&& other) noexcept;
  GateFile(const GateFile&) = delete;
  GateFile& operator=(const GateFile&) = delete;

  /// For reading only; empty when there is no such file, or none that this user may read.
  [[nodiscard]] static std::optional<GateFile> look_at(const std::filesystem::path& path);

  [[nodiscard]] GatePage& page() noexcept { return *page_; }
  [[nodiscard]] const GatePage& page() const noexcept { return *page_; }

  /// False when the file was deleted, or another one stands in its place: who comes now comes to
  /// that one. True when nobody can tell.
  [[nodiscard]] bool is_in_place() const noexcept;

  /// Possession. Throws StorageError (GATE_UNAVAILABLE) when the system cannot tell.
  [[nodiscard]] bool try_lock();
  void unlock() noexcept;

  /// A lock of its own, for the name of the database: whoever opens the file by it has this shared,
  /// who puts another file in its place has it alone. Neither waits. False as well, to be shared,
  /// where the system cannot lock.
  [[nodiscard]] bool try_pin_shared() noexcept;
  [[nodiscard]] bool try_pin_alone() noexcept;
  void unpin() noexcept;

  /// Makes a free slot this process's for the life of this object; kNoSlot when there is none.
  int claim_slot() noexcept;
  [[nodiscard]] int slot() const noexcept { return slot_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool is_alive(int slot) const noexcept;

  /// The process that has the gate, if anybody, from the kernel's list of locks.
  [[nodiscard]] std::int64_t locked_by() const;

 private:
  GateFile(std::filesystem::path path, std::unique_ptr<UninheritedFile> file) noexcept;
  [[nodiscard]] int descriptor() const noexcept { return file_->descriptor(); }
  void require_gate_or_make_one(std::chrono::milliseconds patience);
  [[nodiscard]] bool is_complete() const;
  void complete();
  void write_at(off_t from, const void* data, std::size_t size);
  void map(int protection);

  std::filesystem::path path_;
  std::unique_ptr<UninheritedFile> file_;
  GatePage* page_ = nullptr;
  std::atomic<int> slot_{kNoSlot};
};

/// The calling process's pid namespace; 0 when /proc does not say.
[[nodiscard]] std::uint64_t own_pid_namespace() noexcept;

}  // namespace turnstile::gate
