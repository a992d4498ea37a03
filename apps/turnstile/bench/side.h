// What `turnstile bench` does on both sides: the same work on files that are made alike.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "turnstile/options.h"

namespace turnstile::cli::bench {

/// How a run is asked for.
struct Settings {
  std::chrono::milliseconds duration{10'000};
  int threads = 4;
  Synchronous synchronous = Synchronous::Normal;
  std::chrono::milliseconds timeout{5'000};
};

/// Of the rows that a file begins with, and of the counters.
inline constexpr std::int64_t kRows = 10'000;
inline constexpr std::int64_t kCounters = 1'000;

// A small write adds a row and counts it; a read finds a row by its key.
inline constexpr std::string_view kInsert = "INSERT INTO item(value, payload) VALUES (?1, ?2)";
inline constexpr std::string_view kCount = "UPDATE counter SET n = n + 1 WHERE id = ?1";
inline constexpr std::string_view kSelect = "SELECT value, payload FROM item WHERE id = ?1";
inline constexpr std::string_view kPayload =
    "sixty-four bytes that stand for what a program has to write down";

/// A way to use a file. Each thread has a place of its own on it, from 0 to the number of writers,
/// which is that of the reader.
///
/// Threads: shared, but for one place, which is confined.
class Side {
 public:
  Side() = default;
  virtual ~Side() = default;
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;

  /// A small write transaction. The message when it did not get its turn in time; throws for other
  /// trouble, of which the disk is the cause.
  [[nodiscard]] virtual std::optional<std::string> write(std::size_t place, std::int64_t key) = 0;
  /// A row by its key; as write().
  [[nodiscard]] virtual std::optional<std::string> read(std::size_t place, std::int64_t key) = 0;
};

/// Makes a file in WAL mode with kRows rows and closes it.
void make_file(const std::string& path);

}  // namespace turnstile::cli::bench
