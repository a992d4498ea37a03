// One observation: which tables it is about, and what it calls.
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "database/observation/commit_watch.h"
#include "gate/mutex.h"
#include "sqlite/fork_guard.h"
#include "turnstile/observation.h"

namespace turnstile::database {
class Observers;
}  // namespace turnstile::database

namespace turnstile::detail {

/// Threads: confined to the observer thread, but stop() and over(), which are shared.
class Subscription {
 public:
  /// Without tables, it is about all of them.
  Subscription(std::weak_ptr<database::Observers> observers, std::vector<std::string> tables,
               OnChange callback = nullptr);
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  /// See Observation::stop().
  void stop() noexcept TURNSTILE_EXCLUDES(mutex_);
  [[nodiscard]] bool over() const noexcept { return over_.load(); }

  /// Adds what concerns it of some commits to what it is to be told.
  void gather(std::span<const database::SeenCommit> commits, database::CommitWatch& watch);
  /// Tells it, if there is anything to tell and it is not over. Throws what the callback throws.
  /// True when the callback was called.
  bool deliver() TURNSTILE_EXCLUDES(mutex_);

  // For one that is about a query, before it is added, or inside its callback.

  void set_callback(OnChange callback) { callback_ = std::move(callback); }
  void set_tables(std::vector<std::string> names);
  /// At the next round, whatever happens.
  void call_again() noexcept { due_ = true; }

 private:
  class Running;

  void gather(const database::SeenCommit& commit, database::CommitWatch& watch);
  [[nodiscard]] bool add_touched(const sqlite::TableSet::Table& table);
  [[nodiscard]] bool add_touched(std::uint32_t hash, database::CommitWatch& watch);
  [[nodiscard]] const std::string* find(std::uint32_t hash) const noexcept;

  const sqlite::ForkGuard fork_guard_;
  const std::weak_ptr<database::Observers> observers_;

  std::vector<sqlite::TableSet::Table> tables_;
  bool all_;
  Change change_;
  bool due_ = false;

  mutable gate::Mutex mutex_;
  gate::CondVar ended_;
  OnChange callback_;              // Called while it is running_, changed while it is not.
  std::atomic<bool> over_{false};  // Set under the mutex.
  std::thread::id running_ TURNSTILE_GUARDED_BY(mutex_);
};

}  // namespace turnstile::detail
