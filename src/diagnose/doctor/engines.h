// Copies of SQLite in other processes: found by what the files contain that they run from, because
// an engine that is linked into a program has no name of its own.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace turnstile::diagnose {

/// Threads: immutable.
struct LoadedEngine {
  std::string file{};       ///< That it was loaded from.
  std::string source_id{};  ///< As sqlite3_sourceid() says.
  int version = 0;          ///< As SQLITE_VERSION_NUMBER; 0 when it could not be found out.

  /// `SQLite 3.40.1 in /usr/lib/libsqlite3.so.0`.
  [[nodiscard]] std::string describe() const;
};

/// `3.40.1`.
[[nodiscard]] std::string version_text(int number);

/// The engine in the bytes of a program or a library, if there is one.
[[nodiscard]] std::optional<LoadedEngine> engine_in(std::string_view bytes);

/// The files that code runs from, each once, of the text of a /proc/PID/maps.
[[nodiscard]] std::vector<std::string> executable_files(std::string_view maps);

/// Remembers what it has found in a file, since most processes map the same ones.
///
/// Threads: confined.
class EngineSearch {
 public:
  [[nodiscard]] std::vector<LoadedEngine> in_process(std::int64_t pid);

 private:
  [[nodiscard]] std::optional<LoadedEngine> in_file(const std::string& path);

  /// By device and inode.
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::optional<LoadedEngine>> known_;
};

}  // namespace turnstile::diagnose
