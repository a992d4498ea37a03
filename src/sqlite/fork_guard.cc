#include "sqlite/fork_guard.h"

#include <pthread.h>

#include <new>

namespace turnstile::sqlite {

namespace {

void count_up() noexcept {
  process_generation.fetch_add(1, std::memory_order_relaxed);
}

bool watch_forks() {
  if (::pthread_atfork(nullptr, nullptr, &count_up) != 0) throw std::bad_alloc();
  return true;
}

}  // namespace

ForkGuard::ForkGuard() {
  static const bool watched = watch_forks();
  static_cast<void>(watched);
  generation_ = process_generation.load(std::memory_order_relaxed);
}

}  // namespace turnstile::sqlite
