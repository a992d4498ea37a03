// A value in memory that several processes share: one writes it, all can read it at any time.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>

namespace turnstile::sqlite {

/// A sequence number that is odd during a write shows a reader that it has to read again; all words
/// are atomic, so that a torn reading is noticed and never undefined. All zero is the initial
/// state, and a T of zeros.
///
/// Threads: write() by one at a time; read() is shared.
template <class T>
class SharedRecord {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(std::uint64_t) == 0);

 public:
  // The words are stored with release and loaded with acquire, so that whoever sees one of them
  // also sees the odd number in front of it. Fences would do the same, but ThreadSanitizer does not
  // know them.
  void write(const T& value) noexcept {
    const auto words = std::bit_cast<std::array<std::uint64_t, kWords>>(value);
    // Also after a writer that died in the middle and left an odd number.
    const std::uint64_t odd = (sequence_.load(std::memory_order_relaxed) + 1) | 1;
    sequence_.store(odd, std::memory_order_relaxed);
    for (std::size_t i = 0; i < kWords; ++i)
      words_[i].store(words[i], std::memory_order_release);
    sequence_.store(odd + 1, std::memory_order_release);
  }

  /// Empty when the writer died or stands still in the middle of write().
  [[nodiscard]] std::optional<T> read() const noexcept {
    // Writing takes nanoseconds; a number that stays odd belongs to a process that does not run.
    constexpr int kAttempts = 1000;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      const std::uint64_t before = sequence_.load(std::memory_order_acquire);
      std::array<std::uint64_t, kWords> words{};
      for (std::size_t i = 0; i < kWords; ++i)
        words[i] = words_[i].load(std::memory_order_acquire);
      if (before % 2 == 0 && sequence_.load(std::memory_order_relaxed) == before)
        return std::bit_cast<T>(words);
    }
    return std::nullopt;
  }

  /// Another one after each write.
  [[nodiscard]] std::uint64_t version() const noexcept {
    return sequence_.load(std::memory_order_acquire);
  }

 private:
  static constexpr std::size_t kWords = sizeof(T) / sizeof(std::uint64_t);

  std::atomic<std::uint64_t> sequence_;
  std::array<std::atomic<std::uint64_t>, kWords> words_;
};

}  // namespace turnstile::sqlite
