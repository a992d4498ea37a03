// Small files of /proc.
#pragma once

#include <cstdint>
#include <string>

namespace turnstile::gate {

/// The whole text of the file; empty when it is not there or may not be read.
[[nodiscard]] std::string read_proc_file(const std::string& path);

/// The name of a thread of any process; empty when it is gone or hidden.
[[nodiscard]] std::string thread_name_of(std::int64_t pid, std::int64_t thread_id);

/// Whether a signal or a debugger has stopped the process.
[[nodiscard]] bool is_stopped(std::int64_t pid);

}  // namespace turnstile::gate
