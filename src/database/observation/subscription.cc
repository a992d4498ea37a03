#include "database/observation/subscription.h"

#include <algorithm>
#include <utility>

#include "database/observation/observers.h"
#include "gate/sync_point.h"

namespace turnstile::detail {

/// Threads: confined.
class Subscription::Running {
 public:
  explicit Running(Subscription& subscription) : subscription_(subscription) {
    gate::MutexLock lock(subscription_.mutex_);
    may_ = !subscription_.over_;
    if (may_) subscription_.running_ = std::this_thread::get_id();
  }
  ~Running() {
    if (!may_) return;
    OnChange last;  // What it owns is the program's, and may do anything when it ends.
    {
      gate::MutexLock lock(subscription_.mutex_);
      subscription_.running_ = {};
      if (subscription_.over_) last.swap(subscription_.callback_);
    }
    subscription_.ended_.notify_all();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  [[nodiscard]] bool may() const noexcept { return may_; }

 private:
  Subscription& subscription_;
  bool may_ = false;
};

Subscription::Subscription(std::weak_ptr<database::Observers> observers,
                           std::vector<std::string> tables, OnChange callback)
    : observers_(std::move(observers)), all_(tables.empty()), callback_(std::move(callback)) {
  set_tables(std::move(tables));
}

void Subscription::set_tables(std::vector<std::string> names) {
  tables_.clear();
  for (std::string& name : names) {
    const std::uint32_t hash = sqlite::hash_of_table(name);
    tables_.push_back({std::move(name), hash});
  }
}

void Subscription::stop() noexcept {
  if (fork_guard_.forked()) return;
  OnChange last;
  {
    gate::MutexLock lock(mutex_);
    over_ = true;
    if (running_ != std::this_thread::get_id()) {
      gate::sync_point("Subscription::stop:waits");
      while (running_ != std::thread::id())
        ended_.wait(mutex_);
      last.swap(callback_);
    }
  }
  if (const auto observers = observers_.lock()) observers->forget_ended();
}

void Subscription::gather(std::span<const database::SeenCommit> commits,
                          database::CommitWatch& watch) {
  for (const database::SeenCommit& commit : commits)
    gather(commit, watch);
}

void Subscription::gather(const database::SeenCommit& commit, database::CommitWatch& watch) {
  bool touched = all_ || commit.everything;
  for (const sqlite::Touched::Set& set : commit.sets)
    for (const sqlite::TableSet::Table& table : set->tables)
      touched = add_touched(table) || touched;
  for (const std::uint32_t hash : commit.tables.hashes())
    if (hash != 0 && !commit.tables.everything()) touched = add_touched(hash, watch) || touched;
  if (!touched) return;
  change_.commits += commit.count;
  change_.others += commit.others;
  change_.all_tables = change_.all_tables || commit.everything;
}

const std::string* Subscription::find(std::uint32_t hash) const noexcept {
  const auto found = std::find_if(tables_.begin(), tables_.end(),
                                  [hash](const auto& table) { return table.hash == hash; });
  return found == tables_.end() ? nullptr : &found->name;
}

bool Subscription::add_touched(const sqlite::TableSet::Table& table) {
  const std::string* const name = all_ ? &table.name : find(table.hash);
  if (name != nullptr) sqlite::add_name(change_.tables, *name);
  return name != nullptr;
}

bool Subscription::add_touched(std::uint32_t hash, database::CommitWatch& watch) {
  const std::string* const name = all_ ? watch.find_table(hash) : find(hash);
  if (name != nullptr) sqlite::add_name(change_.tables, *name);
  // A table that was dropped since, or is temporary elsewhere: it has no name that could be told.
  if (name == nullptr && all_) change_.all_tables = true;
  return name != nullptr;
}

bool Subscription::deliver() {
  if (change_.commits == 0 && !due_) return false;
  const Running running(*this);
  due_ = false;
  Change change = std::exchange(change_, {});
  if (!running.may()) return false;
  if (change.all_tables) change.tables.clear();
  std::sort(change.tables.begin(), change.tables.end());
  gate::sync_point("Subscription::deliver:calls");
  callback_(change);
  return true;
}

}  // namespace turnstile::detail
