#include "vault/storage/memory_store.h"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "database/location.h"
#include "sqlite/raise.h"
#include "vault/files.h"
#include "vault/raise.h"

namespace turnstile::vault {

namespace {

constexpr std::string_view kUriBegin = "file:";
constexpr std::string_view kUriEnd = "?vfs=memdb";
constexpr std::size_t kLogMarks = 18;
constexpr std::size_t kChangeCounter = 24;
constexpr std::string_view kDatabaseMagic("SQLite format 3\0", 16);
constexpr std::size_t kPiece = std::size_t{1} << 24;  // SQLite counts them in int.
constexpr std::size_t kWipedAtOnce = std::size_t{1} << 16;

std::string uri_of(const std::string& name) {
  Options options;
  options.mode = OpenMode::Memory;
  return database::locate(name, options, Call{}).sqlite_name;
}

[[noreturn]] void raise_no_store(int result) {
  Error::Details details;
  details.code = result == SQLITE_FULL ? code("DB_DISK_FULL") : code("ENGINE_ERROR");
  details.message = result == SQLITE_FULL ? "the database in memory has reached its limit"
                                          : "SQLite has no memory for a database";
  details.sqlite_code = result;
  throw StorageError(std::move(details));
}

}  // namespace

MemoryStore::MemoryStore(std::uint64_t limit_bytes)
    : name_("vault-" + random_name()), uri_(uri_of(name_)) {
  file_name_ = uri_.substr(kUriBegin.size(), uri_.size() - kUriBegin.size() - kUriEnd.size());
  sqlite3_initialize();
  sqlite3_vfs* const vfs = sqlite3_vfs_find("memdb");
  if (vfs == nullptr) raise_no_store(SQLITE_ERROR);
  memory_ = std::make_unique<std::byte[]>(static_cast<std::size_t>(vfs->szOsFile));
  auto* const file = reinterpret_cast<sqlite3_file*>(memory_.get());
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MAIN_DB;
  int out_flags = 0;
  if (const int result = vfs->xOpen(vfs, file_name_.c_str(), file, kFlags, &out_flags);
      result != SQLITE_OK) {
    raise_no_store(result);
  }
  file_ = file;
  auto limit = static_cast<sqlite3_int64>(limit_bytes);
  file_->pMethods->xFileControl(file_, SQLITE_FCNTL_SIZE_LIMIT, &limit);
}

MemoryStore::~MemoryStore() {
  wipe();
  file_->pMethods->xClose(file_);
}

std::uint64_t MemoryStore::size() const {
  sqlite3_int64 size = 0;
  file_->pMethods->xFileSize(file_, &size);
  const auto bytes = static_cast<std::uint64_t>(size);
  if (bytes > largest_.load(std::memory_order_relaxed)) largest_ = bytes;
  return bytes;
}

void MemoryStore::reserve(std::uint64_t bytes) {
  if (bytes == 0) return;
  constexpr std::array<std::byte, 1> kOne{};
  write(bytes - 1, kOne);
  file_->pMethods->xTruncate(file_, 0);
}

void MemoryStore::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto some = bytes.first(std::min(bytes.size(), kPiece));
    const int result = file_->pMethods->xWrite(file_, some.data(), static_cast<int>(some.size()),
                                               static_cast<sqlite3_int64>(offset));
    if (result != SQLITE_OK) raise_no_store(result);
    offset += some.size();
    bytes = bytes.subspan(some.size());
  }
}

void MemoryStore::read(std::uint64_t offset, std::span<std::byte> into) const {
  while (!into.empty()) {
    const auto some = into.first(std::min(into.size(), kPiece));
    // What lies beyond the end reads as zero.
    file_->pMethods->xRead(file_, some.data(), static_cast<int>(some.size()),
                           static_cast<sqlite3_int64>(offset));
    offset += some.size();
    into = into.subspan(some.size());
  }
}

void MemoryStore::wipe() noexcept {
  static constexpr std::array<std::byte, kWipedAtOnce> kZeros{};
  const std::uint64_t end = std::max(size(), largest_.load());
  for (std::uint64_t offset = 0; offset < end; offset += kZeros.size()) {
    const auto some = static_cast<int>(std::min<std::uint64_t>(kZeros.size(), end - offset));
    file_->pMethods->xWrite(file_, kZeros.data(), some, static_cast<sqlite3_int64>(offset));
  }
  file_->pMethods->xTruncate(file_, 0);
}

std::uint32_t MemoryStore::change_counter() const {
  std::array<std::byte, 4> bytes{};
  read(kChangeCounter, bytes);
  std::uint32_t counter = 0;
  for (const std::byte byte : bytes)
    counter = counter << 8U | std::to_integer<std::uint32_t>(byte);
  return counter;
}

void MemoryStore::forget_log() {
  constexpr std::array<std::byte, 2> kRollbackJournal{std::byte{1}, std::byte{1}};
  if (size() > kLogMarks + kRollbackJournal.size()) write(kLogMarks, kRollbackJournal);
}

bool MemoryStore::is_database() const {
  std::array<std::byte, kDatabaseMagic.size()> beginning{};
  read(0, beginning);
  return std::ranges::equal(beginning, std::as_bytes(std::span(kDatabaseMagic)));
}

}  // namespace turnstile::vault
