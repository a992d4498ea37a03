// Forces interleavings through the library's sync points, so that a test need not hope for them.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <limits>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gate/sync_point.h"
#include "support/child_process.h"

namespace turnstile::test {

/// Notices threads that come to a sync point, and stops the first `stops` of them there until
/// release(). A thread that nobody stops goes on. Any number may exist at once, also for one point.
///
/// Threads: shared.
class AtPoint {
 public:
  static constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

  explicit AtPoint(std::string point, std::size_t stops = 0)
      : point_(std::move(point)), stops_left_(stops) {
    const std::lock_guard lock(shared().mutex);
    shared().points.push_back(this);
    gate::sync_point_hook.store(&on_sync_point, std::memory_order_release);
  }
  ~AtPoint() {
    std::unique_lock lock(shared().mutex);
    let_go();
    shared().changed.wait(lock, [this] { return stopped_ == 0; });
    std::erase(shared().points, this);
    if (shared().points.empty()) gate::sync_point_hook.store(nullptr, std::memory_order_release);
  }
  AtPoint(const AtPoint&) = delete;
  AtPoint& operator=(const AtPoint&) = delete;

  /// Waits until `threads` threads have come here. Throws std::runtime_error when none comes for
  /// very long.
  void wait_until_reached(std::size_t threads = 1) {
    std::unique_lock lock(shared().mutex);
    if (!shared().changed.wait_for(lock, patience(), [&] { return reached_ >= threads; }))
      throw std::runtime_error("no thread comes to " + point_);
  }
  [[nodiscard]] std::size_t reached() const {
    const std::lock_guard lock(shared().mutex);
    return reached_;
  }
  /// Lets those go that stand here, and all that come later.
  void release() {
    const std::lock_guard lock(shared().mutex);
    let_go();
  }

 private:
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<AtPoint*> points;
  };
  // Never destroyed: a thread may be in the hook when the program ends.
  static Shared& shared() {
    static auto* const instance = std::make_unique<Shared>().release();
    return *instance;
  }

  static void on_sync_point(std::string_view name) {
    std::unique_lock lock(shared().mutex);
    AtPoint* stop = nullptr;
    for (AtPoint* point : shared().points) {
      if (point->point_ == name) {
        ++point->reached_;
        if (stop == nullptr && point->stops_left_ > 0) stop = point;
      }
    }
    shared().changed.notify_all();
    if (stop == nullptr) return;
    --stop->stops_left_;
    ++stop->stopped_;
    shared().changed.wait(lock, [stop] { return stop->released_; });
    --stop->stopped_;
    shared().changed.notify_all();
  }

  void let_go() {
    stops_left_ = 0;
    released_ = true;
    shared().changed.notify_all();
  }

  const std::string point_;
  std::size_t stops_left_;
  std::size_t reached_ = 0;
  std::size_t stopped_ = 0;
  bool released_ = false;
};

}  // namespace turnstile::test
