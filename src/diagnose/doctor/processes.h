// The processes that have a database open, from /proc: whoever they are and whatever they link.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "diagnose/doctor/engines.h"
#include "diagnose/doctor/file_facts.h"

namespace turnstile::diagnose {

/// A database and what SQLite keeps beside it.
enum class Part : std::uint8_t { Database, Log, LogIndex, Journal };
inline constexpr std::size_t kParts = 4;

/// The name of a part of the database at `database`.
[[nodiscard]] std::filesystem::path part_of(const std::filesystem::path& database, Part part);

/// Threads: immutable.
struct Process {
  std::int64_t pid = 0;
  std::string program{};
  bool is_stopped = false;              ///< By a signal or a debugger.
  std::array<bool, kParts> has_open{};  ///< By part.
  std::vector<std::string> deleted{};   ///< Names of parts that it has open and that are gone.
  std::vector<LoadedEngine> engines{};  ///< Copies of SQLite in it, as far as they can be seen.

  [[nodiscard]] bool uses(Part part) const noexcept {
    return has_open[static_cast<std::size_t>(part)];
  }
  /// `process 4711 (sqlite3)`.
  [[nodiscard]] std::string describe() const;
};

/// Threads: immutable.
struct ProcessSurvey {
  std::vector<Process> users{};  ///< By pid; this process among them.
  std::size_t hidden = 0;        ///< Processes that this user may not look into.
};

/// Opens none of the database's files.
[[nodiscard]] ProcessSurvey find_users(const std::filesystem::path& database);

}  // namespace turnstile::diagnose
