// How long the write-ahead log becomes while others write.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "contention/window.h"

namespace turnstile::bench {

/// Looks at the file beside `path` every few milliseconds until the window is over; the longest in
/// bytes. The file is only looked at from outside, so that nobody waits for that.
std::uint64_t longest_log(const std::string& path, const Window& window);

/// What Turnstile promises as the longest with its default options, one group not counted: twice
/// Options::checkpoint_frames.
std::uint64_t log_cap();

}  // namespace turnstile::bench
