// What the threads of a pool have to tell, and nobody waits for.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "gate/mutex.h"
#include "turnstile/options.h"

namespace turnstile::tasks {

/// Threads: shared.
class WorkerLog {
 public:
  explicit WorkerLog(LogSink sink) : sink_(std::move(sink)) {}

  void tell(LogEvent::Severity severity, std::string_view code, std::string message) noexcept
      TURNSTILE_EXCLUDES(mutex_) {
    if (!sink_) return;
    try {
      const gate::MutexLock lock(mutex_);  // A sink is called once at a time.
      sink_({severity, code, std::move(message)});
    } catch (...) {
      return;  // There is nobody else to tell.
    }
  }

  void storage_failed(std::string_view what) noexcept {
    storage_failures_.fetch_add(1);
    tell(LogEvent::Severity::Warning, "TASK_WORKER_FAILED", std::string(what));
  }
  [[nodiscard]] std::int64_t storage_failures() const noexcept { return storage_failures_.load(); }

 private:
  const LogSink sink_;
  gate::Mutex mutex_;
  std::atomic<std::int64_t> storage_failures_{0};
};

}  // namespace turnstile::tasks
