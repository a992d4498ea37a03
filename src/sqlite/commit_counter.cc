#include "sqlite/commit_counter.h"

#include <sqlite3.h>

#include <cstddef>
#include <exception>

namespace turnstile::sqlite {

namespace {

// Words of the header of the log's index (https://sqlite.org/walformat.html, 2.1). There are two
// copies; the second one is written first.
constexpr std::size_t kVersion = 0;
constexpr std::size_t kChange = 2;
constexpr std::size_t kFrames = 4;
constexpr std::size_t kSalt = 8;
constexpr std::size_t kCopyWords = 12;
constexpr std::uint32_t kKnownVersion = 3007000;
constexpr int kIndexBytes = 32768;  // Of its first part, with the header.

// A header is copied in nanoseconds; a difference that stays was left by a process that died.
constexpr int kAttempts = 100;

// The header of the file.
constexpr int kCounterOffset = 24;

// SQLite writes these words as any memory, by design (tag-20200519-1 in its source), which
// ThreadSanitizer would take for a race with this.
__attribute__((no_sanitize("thread"))) std::uint32_t load(
    const volatile std::uint32_t* word) noexcept {
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

CommitMark load_copy(const volatile std::uint32_t* copy) noexcept {
  CommitMark mark;
  mark.number = load(copy + kChange);
  mark.frames = load(copy + kFrames);
  mark.salt = std::uint64_t{load(copy + kSalt)} << 32U | load(copy + kSalt + 1);
  return mark;
}

sqlite3_file* file_of(const Connection& connection) noexcept {
  sqlite3_file* file = nullptr;
  const int found =
      sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  return found == SQLITE_OK && file != nullptr && file->pMethods != nullptr ? file : nullptr;
}

}  // namespace

bool restarted(const CommitMark& before, const CommitMark& now) noexcept {
  if (is_after(before.number, now.number)) return true;
  // A log that was started over is empty, and its commits are numbered on. What has the same number
  // and other frames was counted anew.
  return now.number == before.number && now != before && now.frames != 0;
}

std::optional<CommitMark> CommitCounter::read() noexcept {
  if (connection_.forked()) return std::nullopt;
  if (!has_log_) return read_header_locked();
  if (const auto mark = read_index()) return mark;
  // The next one who reads repairs the header; and opens the log, where nobody has read yet.
  return touch_file() ? read_index() : std::nullopt;
}

std::optional<std::uint32_t> CommitCounter::next() noexcept {
  pages_before_ = pages_written();
  const auto mark = has_log_ ? read_index() : read_header();
  return mark ? std::optional(mark->number + 1) : std::nullopt;
}

bool CommitCounter::committed() const noexcept {
  return pages_written() != pages_before_;
}

CommitCounter::Index CommitCounter::index() noexcept {
  if (index_ != nullptr) return index_;
  sqlite3_file* const file = file_of(connection_);
  if (file == nullptr || file->pMethods->iVersion < 2 || file->pMethods->xShmMap == nullptr)
    return nullptr;
  volatile void* start = nullptr;
  if (file->pMethods->xShmMap(file, 0, kIndexBytes, 0, &start) != SQLITE_OK) return nullptr;
  index_ = static_cast<Index>(start);
  return index_;
}

std::optional<CommitMark> CommitCounter::read_index() noexcept {
  const Index first = index();
  if (first == nullptr || load(first + kVersion) != kKnownVersion) return std::nullopt;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const CommitMark mark = load_copy(first);
    if (load_copy(first + kCopyWords) == mark) return mark;
  }
  return std::nullopt;
}

std::optional<CommitMark> CommitCounter::read_header() const noexcept {
  sqlite3_file* const file = file_of(connection_);
  std::array<unsigned char, 4> bytes{};
  if (file == nullptr ||
      file->pMethods->xRead(file, bytes.data(), bytes.size(), kCounterOffset) != SQLITE_OK) {
    return std::nullopt;
  }
  CommitMark mark;
  for (const unsigned char byte : bytes)
    mark.number = mark.number << 8U | byte;
  return mark;
}

// Under SQLite's shared lock: a commit that is half done has its number in the file already, and
// may still be undone.
std::optional<CommitMark> CommitCounter::read_header_locked() noexcept {
  if (connection_.begin_deferred() != SQLITE_OK) return std::nullopt;
  const std::optional<CommitMark> mark = touch_file() ? read_header() : std::nullopt;
  if (connection_.commit() != SQLITE_OK) connection_.rollback();
  return mark;
}

bool CommitCounter::touch_file() noexcept {
  try {
    static_cast<void>(connection_.query_integer("PRAGMA schema_version"));
    return true;
  } catch (const std::exception&) {
    // Somebody writes; the next look comes soon.
    return false;
  }
}

int CommitCounter::pages_written() const noexcept {
  int current = 0;
  int highest = 0;
  sqlite3_db_status(connection_.handle(), SQLITE_DBSTATUS_CACHE_WRITE, &current, &highest, 0);
  return current;
}

}  // namespace turnstile::sqlite
