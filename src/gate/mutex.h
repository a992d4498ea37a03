// A mutex that clang's thread-safety analysis understands; with libstdc++ it does not see
// std::mutex as a capability (https://clang.llvm.org/docs/ThreadSafetyAnalysis.html).
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define TURNSTILE_THREAD_ANNOTATION(x) __attribute__((x))
#else
#define TURNSTILE_THREAD_ANNOTATION(x)
#endif

#define TURNSTILE_CAPABILITY(x) TURNSTILE_THREAD_ANNOTATION(capability(x))
#define TURNSTILE_SCOPED_CAPABILITY TURNSTILE_THREAD_ANNOTATION(scoped_lockable)
#define TURNSTILE_GUARDED_BY(x) TURNSTILE_THREAD_ANNOTATION(guarded_by(x))
#define TURNSTILE_REQUIRES(...) TURNSTILE_THREAD_ANNOTATION(requires_capability(__VA_ARGS__))
#define TURNSTILE_EXCLUDES(...) TURNSTILE_THREAD_ANNOTATION(locks_excluded(__VA_ARGS__))
#define TURNSTILE_ACQUIRE(...) TURNSTILE_THREAD_ANNOTATION(acquire_capability(__VA_ARGS__))
#define TURNSTILE_RELEASE(...) TURNSTILE_THREAD_ANNOTATION(release_capability(__VA_ARGS__))
#define TURNSTILE_RETURN_CAPABILITY(x) TURNSTILE_THREAD_ANNOTATION(lock_returned(x))
#define TURNSTILE_NO_ANALYSIS TURNSTILE_THREAD_ANNOTATION(no_thread_safety_analysis)

namespace turnstile::gate {

/// Threads: shared.
class TURNSTILE_CAPABILITY("mutex") Mutex {
 public:
  void lock() TURNSTILE_ACQUIRE() { mutex_.lock(); }
  void unlock() TURNSTILE_RELEASE() { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

/// Holds a mutex for a scope. Threads: scoped.
class TURNSTILE_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) TURNSTILE_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() TURNSTILE_RELEASE() { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

/// Threads: shared.
class CondVar {
 public:
  void wait(Mutex& mutex) TURNSTILE_REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  /// False when `until` passed. May wake up without a reason, as all condition variables.
  bool wait_until(Mutex& mutex, std::chrono::steady_clock::time_point until)
      TURNSTILE_REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    const bool woken = condition_.wait_until(lock, until) == std::cv_status::no_timeout;
    lock.release();
    return woken;
  }
  /// The same by the clock on the wall: sleeping machines and corrected clocks count.
  bool wait_until(Mutex& mutex, std::chrono::system_clock::time_point until)
      TURNSTILE_REQUIRES(mutex) {
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    const bool woken = condition_.wait_until(lock, until) == std::cv_status::no_timeout;
    lock.release();
    return woken;
  }
  void notify_one() noexcept { condition_.notify_one(); }
  void notify_all() noexcept { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace turnstile::gate
