// Tells the workers of this process at once that there may be something to do, where an observation
// would tell them a little later.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "gate/mutex.h"

namespace turnstile::tasks {

/// Threads: shared.
class BellListener {
 public:
  BellListener() = default;
  BellListener(const BellListener&) = delete;
  BellListener& operator=(const BellListener&) = delete;
  virtual ~BellListener() = default;
  virtual void rung() noexcept = 0;
};

/// Threads: shared.
class Bell {
 public:
  void add(std::weak_ptr<BellListener> listener) TURNSTILE_EXCLUDES(mutex_) {
    const gate::MutexLock lock(mutex_);
    std::erase_if(listeners_, [](const auto& each) { return each.expired(); });
    listeners_.push_back(std::move(listener));
  }

  void ring() TURNSTILE_EXCLUDES(mutex_) {
    std::vector<std::weak_ptr<BellListener>> listeners;
    {
      const gate::MutexLock lock(mutex_);
      listeners = listeners_;
    }
    for (const auto& each : listeners)
      if (const auto listener = each.lock()) listener->rung();
  }

 private:
  gate::Mutex mutex_;
  std::vector<std::weak_ptr<BellListener>> listeners_ TURNSTILE_GUARDED_BY(mutex_);
};

}  // namespace turnstile::tasks
