// What fuzz targets have in common: bytes taken apart into values, and the end with a reason.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

// Each target is one function of this name, as libFuzzer wants it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace turnstile::fuzz {

/// Takes values from the front of the bytes; zeros when there are no more.
///
/// Threads: confined.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size)
      // libFuzzer gives a null pointer for no bytes.
      : rest_(reinterpret_cast<const char*>(size == 0 ? "" : static_cast<const void*>(data)),
              size) {}

  [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

  template <class T>
    requires std::integral<T> || std::floating_point<T>
  [[nodiscard]] T number() noexcept {
    T value{};
    const std::string_view bytes = take(sizeof(T));
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }
  /// As many bytes as the first one says.
  [[nodiscard]] std::string text() { return std::string(take(number<std::uint8_t>())); }

 private:
  std::string_view take(std::size_t size) noexcept {
    const std::string_view taken = rest_.substr(0, std::min(size, rest_.size()));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view rest_;
};

/// Ends the process, which is how a target says that it has found something.
inline void require(bool condition, std::string_view rule) {
  if (condition) return;
  std::fprintf(stderr, "broken: %.*s\n", static_cast<int>(rule.size()), rule.data());
  std::abort();
}

}  // namespace turnstile::fuzz
