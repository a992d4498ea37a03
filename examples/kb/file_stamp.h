// What the file system says of a file without opening it. Two equal stamps mean: not changed.
#pragma once

#include <sys/stat.h>

#include <chrono>
#include <compare>
#include <cstdint>

namespace kb {

/// Microseconds, because that is how Turnstile stores a point in time: a time that was stored and
/// read back must still equal the one that the file system tells.
using Time = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

[[nodiscard]] inline Time now() {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

struct FileStamp {
  std::int64_t size_bytes = 0;
  Time modified;

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

[[nodiscard]] inline FileStamp stamp_of(const struct stat& status) {
  const auto since_1970 = std::chrono::seconds(status.st_mtim.tv_sec) +
                          std::chrono::nanoseconds(status.st_mtim.tv_nsec);
  return {static_cast<std::int64_t>(status.st_size),
          Time(std::chrono::floor<std::chrono::microseconds>(since_1970))};
}

}  // namespace kb
