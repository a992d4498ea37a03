// What long operations have in common: they tell how far they are, and how thoroughly they check.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace turnstile {

/// How far a long operation is. Threads: immutable.
struct Progress {
  std::string_view phase;   ///< `copy`, `compact`, `check`, `hash`, `vacuum`, ...
  std::int64_t done = 0;    ///< Of `total`; in pages, but where the phase says otherwise.
  std::int64_t total = -1;  ///< -1: unknown until it has ended.
};

/// Called on the thread of the call, some times a second or more. It must not call the database.
/// What it throws ends the operation, which throws it on and leaves nothing half done.
using ProgressSink = std::function<void(const Progress&)>;

/// How a file is looked through.
enum class IntegrityCheck {
  Quick,  ///< PRAGMA quick_check: all pages, but not whether indexes agree with their tables.
  Full,   ///< PRAGMA integrity_check.
};

/// A table and how many rows it has. Threads: immutable.
struct TableRows {
  std::string table;
  std::int64_t rows = 0;

  [[nodiscard]] bool operator==(const TableRows&) const = default;
};

}  // namespace turnstile
