#include "vault/storage/encrypted_file.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <string>
#include <utility>

#include "database/location.h"
#include "gate/sync_point.h"
#include "vault/crypto/bytes.h"
#include "vault/files.h"
#include "vault/raise.h"
#include "vault/storage/encrypted_database.h"
#include "vault/storage/write_file.h"

namespace turnstile::vault {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kPageSizeAt = 16;
constexpr std::size_t kPageCountAt = 28;

bool is_zero(std::span<const std::byte> bytes) noexcept {
  return std::ranges::all_of(bytes, [](std::byte byte) { return byte == std::byte{0}; });
}

// SQLite's own numbers are big-endian; a page size of 65536 is written as 1.
std::uint32_t page_size_of(std::span<const std::byte> first_page) noexcept {
  const auto high = std::to_integer<std::uint32_t>(first_page[kPageSizeAt]);
  const auto low = std::to_integer<std::uint32_t>(first_page[kPageSizeAt + 1]);
  const std::uint32_t size = high << 8U | low;
  return size == 1 ? 65536 : size;
}

std::uint32_t page_count_of(std::span<const std::byte> first_page) noexcept {
  std::uint32_t count = 0;
  for (const std::byte byte : first_page.subspan(kPageCountAt, 4))
    count = count << 8U | std::to_integer<std::uint32_t>(byte);
  return count;
}

database::Location location_of(const fs::path& path, const Call& call) {
  Options options;
  options.mode = OpenMode::ReadOnly;
  return database::locate(path.string(), options, call);
}

}  // namespace

std::optional<fs::path> log_beside(const fs::path& path) {
  for (const char* suffix : {"-wal", "-journal"}) {
    fs::path log = path.native() + suffix;
    std::error_code error;
    const auto bytes = fs::file_size(log, error);
    if (!error && bytes > 0) return log;
  }
  return std::nullopt;
}

void require_no_log_beside(const fs::path& path) {
  const auto log = log_beside(path);
  if (!log) return;
  Error::Details details;
  details.code = code("DB_LOG_LEFT");
  details.message = quoted(*log) + " has content, without which the file beside it is not whole";
  details.hint =
      "End other programs that have the database open; then open it once and close it, so that the "
      "log is taken in.";
  throw StorageError(std::move(details));
}

EncryptedFileReader::EncryptedFileReader(fs::path path, const SecretBytes& data_key)
    : path_(std::move(path)),
      reservation_(location_of(path_, call_), call_),
      file_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)),
      cipher_(data_key) {
  if (!file_.is_open()) raise_read("cannot open", path_, errno, call_);
  require_no_log_beside(path_);
  struct stat status {};
  if (::fstat(file_.number(), &status) != 0) raise_read("cannot look at", path_, errno, call_);
  const auto bytes = static_cast<std::uint64_t>(status.st_size);
  std::array<std::byte, 512> front{};
  if (bytes < front.size()) raise_damaged("it has " + std::to_string(bytes) + " bytes");
  read(0, front);
  page_size_ = page_size_of(front);
  if (page_size_ < front.size() || !std::has_single_bit(page_size_))
    raise_damaged("its page size is " + std::to_string(page_size_));
  if (bytes % page_size_ != 0 || bytes / page_size_ > 0xFFFFFFFE)
    raise_damaged("it has " + std::to_string(bytes) + " bytes, which are no whole pages");
  page_count_ = static_cast<std::uint32_t>(bytes / page_size_);
  page_.resize(page_size_);
}

void EncryptedFileReader::raise_damaged(const std::string& why) const {
  raise_vault(code("VAULT_CORRUPTED"), quoted(path_) + " is damaged: " + why, call_);
}

void EncryptedFileReader::read(std::uint64_t offset, std::span<std::byte> into) {
  while (!into.empty()) {
    const ssize_t got =
        ::pread(file_.number(), into.data(), into.size(), static_cast<off_t>(offset));
    if (got == -1 && errno == EINTR) continue;
    if (got == -1) raise_read("cannot read", path_, errno, call_);
    if (got == 0) raise_damaged("it ends too early");
    offset += static_cast<std::uint64_t>(got);
    into = into.subspan(static_cast<std::size_t>(got));
  }
}

std::span<std::byte> EncryptedFileReader::next() {
  if (number_ == page_count_) return {};
  ++number_;
  read(std::uint64_t{number_ - 1} * page_size_, page_);
  if (number_ > 1 && is_zero(page_)) return page_;
  if (!cipher_.decrypt(number_, page_))
    raise_damaged("page " + std::to_string(number_) + " was changed, or is of another key");
  if (number_ == 1 && page_count_of(page_) != page_count_) {
    raise_damaged("it has " + std::to_string(page_count_) + " pages, and had " +
                  std::to_string(page_count_of(page_)) + " when it was written");
  }
  return page_;
}

EncryptedFileWriter::EncryptedFileWriter(fs::path path, const SecretBytes& data_key)
    : path_(std::move(path)), cipher_(data_key) {
  file_ = naming_profile(path_, [&] { return std::make_unique<database::TempFile>(path_, call_); });
  randombytes_buf(salt_.data(), salt_.size());
}

void EncryptedFileWriter::add(std::span<std::byte> page) {
  ++number_;
  if (number_ == 1 || !is_zero(page)) cipher_.encrypt(number_, page, salt_);
  write_all(file_->descriptor(), page, path_, call_);
}

void EncryptedFileWriter::finish(bool overwrite) {
  naming_profile(path_, [&] {
    file_->sync();
    gate::sync_point("EncryptedFileWriter:synced");
    publish_when_free(*file_, overwrite);
  });
}

void verify_encrypted_file(const fs::path& path, const SecretBytes& data_key) {
  EncryptedFileReader reader(path, data_key);
  while (!reader.next().empty())
    continue;
}

void rekey_encrypted_file(const fs::path& source, const SecretBytes& data_key,
                          const fs::path& target, const SecretBytes& new_key, bool overwrite) {
  EncryptedFileReader reader(source, data_key);
  EncryptedFileWriter writer(target, new_key);
  for (auto page = reader.next(); !page.empty(); page = reader.next())
    writer.add(page);
  writer.finish(overwrite);
}

}  // namespace turnstile::vault
