// The number of the last commit, as the file itself has it: every commit raises it by one, whoever
// makes it, whatever program that is.
//
// With a write-ahead log it is `iChange` in the header of the log's index
// (https://sqlite.org/walformat.html, 2.1), which SQLite keeps mapped. It is asked for through the
// VFS: to open that file here would drop SQLite's locks on it. With a rollback journal it is the
// change counter in the header of the file (https://sqlite.org/fileformat.html, 1.3.7).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "sqlite/connection.h"

namespace turnstile::sqlite {

/// What tells one state of the file from another. Threads: immutable.
struct CommitMark {
  std::uint32_t number = 0;  ///< Wraps around.
  std::uint32_t frames = 0;  ///< In the log.
  std::uint64_t salt = 0;    ///< Of the log; another one after each start from its beginning.

  bool operator==(const CommitMark&) const = default;
};

/// Which of two numbers came later, where the count may have wrapped around in between.
[[nodiscard]] constexpr bool is_after(std::uint32_t a, std::uint32_t b) noexcept {
  constexpr std::uint32_t kHalf = 1U << 31U;
  return a != b && a - b < kHalf;
}

/// The count itself started anew, as it does when a process was killed while it wrote the index's
/// header and another one repaired it: nobody knows what was committed between the two marks.
[[nodiscard]] bool restarted(const CommitMark& before, const CommitMark& now) noexcept;

/// Threads: confined, as its connection.
class CommitCounter {
 public:
  CommitCounter(Connection& connection, bool has_log) noexcept
      : connection_(connection), has_log_(has_log) {}

  /// The last commit; nothing when that cannot be told at this moment, because somebody writes.
  /// Outside of a transaction.
  [[nodiscard]] std::optional<CommitMark> read() noexcept;

  /// The number that the commit of the open write transaction will have. Nobody else can commit
  /// until then.
  [[nodiscard]] std::optional<std::uint32_t> next() noexcept;
  /// COMMIT came after next() and was one: a transaction that changed nothing gets no number.
  [[nodiscard]] bool committed() const noexcept;

 private:
  using Index = const volatile std::uint32_t*;

  [[nodiscard]] Index index() noexcept;
  [[nodiscard]] std::optional<CommitMark> read_index() noexcept;
  [[nodiscard]] std::optional<CommitMark> read_header() const noexcept;
  [[nodiscard]] std::optional<CommitMark> read_header_locked() noexcept;
  [[nodiscard]] bool touch_file() noexcept;
  [[nodiscard]] int pages_written() const noexcept;

  Connection& connection_;
  const bool has_log_;
  Index index_ = nullptr;
  int pages_before_ = 0;
};

}  // namespace turnstile::sqlite
