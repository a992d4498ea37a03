// What a SealedDatabase is made of: the memory, the database in it, and who saves it when.
//
//   commit -> observer: unsaved since now -> saver thread, save_within later -> save()
//   save():  read transaction { change counter; copy } -> seal the copy -> rename
//
// The copy is made while writers wait, which takes as long as copying memory does; encrypting and
// writing it happen beside them.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <source_location>
#include <thread>

#include "gate/mutex.h"
#include "sqlite/fork_guard.h"
#include "sqlite/protection.h"
#include "turnstile/observation.h"
#include "vault/storage/image.h"
#include "vault/storage/memory_store.h"
#include "vault/storage/sealed_database.h"

namespace turnstile::vault {

/// Keeps the connections of a sealed database from temporary files, and its memory for as long as
/// there is one. Threads: shared.
class MemoryProtection : public sqlite::Protection {
 public:
  explicit MemoryProtection(std::shared_ptr<MemoryStore> store) noexcept
      : store_(std::move(store)) {}

  [[nodiscard]] int apply(sqlite3* handle) noexcept override;
  void end() noexcept override;
  [[nodiscard]] bool equals(const Protection& other) const noexcept override {
    return this == &other;
  }
  /// Nobody will look at the memory after the last connection.
  void wipe_at_end() noexcept { wipes_ = true; }

 private:
  const std::shared_ptr<MemoryStore> store_;
  std::atomic<bool> wipes_{false};
};

/// Threads: as SealedDatabase.
class SealedDatabase::Impl {
 public:
  Impl(std::filesystem::path path, const SecretBytes& data_key, Seal seal, SealedOptions options);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void create();
  void open();

  [[nodiscard]] bool forked() const noexcept { return fork_guard_.forked(); }
  [[nodiscard]] Database& database();
  void save(std::source_location where);
  [[nodiscard]] SaveState state() const;
  CloseReport close(std::chrono::milliseconds drain, std::source_location where);
  CloseReport discard(std::chrono::milliseconds drain);
  void close_quietly() noexcept;

 private:
  using Clock = std::chrono::steady_clock;
  using Ticket = std::uint64_t;

  void load();
  void open_database();
  [[noreturn]] void raise_unusable(const Error& error) const;

  void start_saver();
  void stop_saver() noexcept;
  void run_saver() noexcept;
  [[nodiscard]] bool wait_until_due();
  void note_commit();

  [[nodiscard]] Ticket request();
  [[nodiscard]] std::optional<Ticket> begin_save(Ticket wanted);
  void end_save(Ticket up_to, const std::exception_ptr& failure);
  void rethrow_failure() const;
  /// Empty when nothing was changed since the last save.
  [[nodiscard]] std::optional<Image> snapshot(std::source_location where);
  [[nodiscard]] std::optional<Image> copy_if_changed();
  void write(const Image& image, bool overwrite);
  void save_now(std::source_location where);
  void require_saved(std::source_location where);
  void save_rest();
  void close_database(std::chrono::milliseconds drain, std::source_location where);
  void forget() noexcept;

  const sqlite::ForkGuard fork_guard_;
  const std::filesystem::path path_;
  SecretBytes data_key_;
  Seal seal_;
  const SealedOptions options_;
  const std::shared_ptr<MemoryStore> store_;
  const std::shared_ptr<MemoryProtection> protection_;
  std::optional<Database> database_;
  CloseReport report_;
  Observation observation_;
  std::thread saver_;

  // Confined to whoever saves.
  std::uint32_t copied_counter_ = 0;  // Of the last snapshot.

  mutable gate::Mutex mutex_;
  gate::CondVar changed_;
  Ticket requested_ TURNSTILE_GUARDED_BY(mutex_) = 0;
  Ticket done_ TURNSTILE_GUARDED_BY(mutex_) = 0;
  bool saving_ TURNSTILE_GUARDED_BY(mutex_) = false;
  bool stopping_ TURNSTILE_GUARDED_BY(mutex_) = false;
  std::optional<Clock::time_point> unsaved_since_ TURNSTILE_GUARDED_BY(mutex_);
  std::uint32_t saved_counter_ TURNSTILE_GUARDED_BY(mutex_) = 0;
  SaveState state_ TURNSTILE_GUARDED_BY(mutex_);
};

}  // namespace turnstile::vault
