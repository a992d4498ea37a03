#include "tasks/backoff.h"

#include <algorithm>
#include <cmath>

namespace turnstile::tasks {

namespace {

// The finaliser of SplitMix64: each bit of the result depends on each bit of the argument.
std::uint64_t mixed(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31U);
}

}  // namespace

std::chrono::microseconds wait_after(const Backoff& backoff, int failures,
                                     std::uint64_t chance) noexcept {
  using Wide = std::chrono::duration<double, std::micro>;
  const double longest = Wide(backoff.max).count();
  const double regular =
      std::min(longest, Wide(backoff.first).count() * std::pow(backoff.factor, failures - 1));
  constexpr int kBits = 53;  // Of a double's mantissa.
  const double share = std::ldexp(static_cast<double>(chance >> (64 - kBits)), -kBits);
  const double wait = regular * (1 + backoff.jitter * (2 * share - 1));
  return std::chrono::microseconds(static_cast<std::int64_t>(wait));
}

std::uint64_t chance_of(std::uint64_t seed, TaskId task, std::int64_t attempt) noexcept {
  return mixed(mixed(seed ^ static_cast<std::uint64_t>(task)) ^
               static_cast<std::uint64_t>(attempt));
}

}  // namespace turnstile::tasks
