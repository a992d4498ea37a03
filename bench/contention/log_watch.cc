#include "contention/log_watch.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <thread>

#include "turnstile/options.h"

namespace turnstile::bench {

std::uint64_t longest_log(const std::string& path, const Window& window) {
  constexpr std::chrono::milliseconds kEvery(5);
  const std::filesystem::path log = path + "-wal";
  std::uint64_t longest = 0;
  while (!window.is_over()) {
    // sleep: nothing tells of a file's growth, and looking all the time would take a core.
    std::this_thread::sleep_for(kEvery);
    std::error_code missing;
    const std::uintmax_t size = std::filesystem::file_size(log, missing);
    if (!missing) longest = std::max<std::uint64_t>(longest, size);
  }
  return longest;
}

std::uint64_t log_cap() {
  // https://sqlite.org/fileformat2.html#walformat, with SQLite's default page size.
  constexpr std::uint64_t kLogHeader = 32;
  constexpr std::uint64_t kFrameHeader = 24;
  constexpr std::uint64_t kPage = 4096;
  const auto frames = static_cast<std::uint64_t>(Options{}.checkpoint_frames) * 2;
  return kLogHeader + frames * (kFrameHeader + kPage);
}

}  // namespace turnstile::bench
