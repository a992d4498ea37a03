// The text of a connection's latest statement, where other processes can read it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "sqlite/shared_record.h"

namespace turnstile::sqlite {

/// All zero is the initial state: it stands in shared memory.
///
/// Threads: text() is shared; the others are confined to the user of the connection.
class ShownSql {
 public:
  /// Longer texts are cut.
  static constexpr std::size_t kBytes = 184;

  void show(std::string_view sql) noexcept;
  /// The text of the last show().
  void show_again() noexcept { visible_.store(1, std::memory_order_release); }
  void hide() noexcept { visible_.store(0, std::memory_order_relaxed); }

  /// Empty when none is shown.
  [[nodiscard]] std::string text() const;

 private:
  struct Text {
    std::uint64_t size = 0;
    std::array<char, kBytes> bytes{};
  };

  std::atomic<std::uint32_t> visible_;
  SharedRecord<Text> text_;
};

/// How many bytes of `text` fit into `size` without cutting a UTF-8 character.
[[nodiscard]] std::size_t fitting(std::string_view text, std::size_t size) noexcept;

}  // namespace turnstile::sqlite
