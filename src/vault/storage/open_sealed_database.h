// What a SealedDatabase is made of: the memory, the database in it, and who saves it when.
//
//   commit -> observer: unsaved since now -> saver thread, save_within later -> save()
//   save():  read transaction { change counter; copy } -> seal the copy -> rename
//
// The copy is made while writers wait, which takes as long as copying memory does; encrypting and
// writing it happen beside them.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
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
  /// A copy is waited for as long as Options::busy_timeout says, or `timeout`.
  void save(std::source_location where,
            std::optional<std::chrono::milliseconds> timeout = std::nullopt);
  [[nodiscard]] SaveState state() const;
  /// See SealedDatabase::close; `self` lives on for as long as a closure does not end.
  static CloseReport close(const std::shared_ptr<Impl>& self, std::chrono::milliseconds drain,
                           std::source_location where, std::shared_ptr<const void> kept);
  CloseReport discard(std::chrono::milliseconds drain);
  static void close_quietly(const std::shared_ptr<Impl>& self) noexcept;

 private:
  class Rest;
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
  [[nodiscard]] std::optional<Image> snapshot(
      std::source_location where, std::optional<std::chrono::milliseconds> timeout = std::nullopt);
  [[nodiscard]] std::optional<Image> copy_if_changed();
  void write(const Image& image, bool overwrite);
  void note(const Seal& saved) noexcept;
  void save_now(std::source_location where, std::optional<std::chrono::milliseconds> timeout);
  void require_saved(std::source_location where,
                     std::optional<std::chrono::milliseconds> timeout = std::nullopt);
  void save_before_closing(std::chrono::milliseconds most, std::source_location where);
  void save_rest();
  /// Opens the database again that could not be saved, as it was.
  void go_on(std::exception_ptr failure) noexcept;
  void close_database(std::chrono::milliseconds drain, std::shared_ptr<const void> kept,
                      std::source_location where);
  void forget() noexcept;
  void tell(LogEvent::Severity severity, std::string_view code, std::string message) noexcept;

  const sqlite::ForkGuard fork_guard_;
  const std::filesystem::path path_;
  SecretBytes data_key_;
  Seal seal_;
  const SealedOptions options_;
  const std::shared_ptr<MemoryStore> store_;
  const std::shared_ptr<MemoryProtection> protection_;
  std::optional<Database> database_;
  std::atomic<bool> closes_late_ = false;  // Its key and its memory are those of its Rest then.
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
