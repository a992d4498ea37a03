// What the program can be asked to do. Each command opens the database itself, because each needs
// it in another way.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

namespace kb {

enum class ExitCode : int {
  Done = 0,
  No = 1,        ///< Nothing found.
  Findings = 2,  ///< A check failed.
  Usage = 3,
  NotFound = 4,
  TimedOut = 5,
  Storage = 6,
  Interrupted = 130,
};

/// What all commands take.
struct Common {
  std::string db;
  bool json = false;
  std::chrono::milliseconds timeout{5000};
  std::string embedder;  ///< A command; empty: the built-in one.
};

struct IndexCommand {
  std::filesystem::path directory;
  int workers = 4;
  bool once = false;
  std::chrono::seconds every{30};  ///< Between two looks.
  std::chrono::milliseconds lease{10'000};
  std::size_t max_text_bytes = std::size_t{4} << 20U;
};
[[nodiscard]] ExitCode run_index(const Common& common, const IndexCommand& command);

struct SearchCommand {
  std::string query;
  std::int64_t limit = 10;
};
[[nodiscard]] ExitCode run_search(const Common& common, const SearchCommand& command);

[[nodiscard]] ExitCode run_stats(const Common& common);

struct LoadCommand {
  double seconds = 0;  ///< 0: until a signal comes.
  int threads = 2;
  std::chrono::milliseconds pause{10};
};
[[nodiscard]] ExitCode run_load(const Common& common, const LoadCommand& command);

}  // namespace kb
