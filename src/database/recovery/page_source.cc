#include "database/recovery/page_source.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "database/recovery/btree_page.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::database::recovery {

namespace {

constexpr std::size_t kHeaderSize = 100;
constexpr std::string_view kMagic{"SQLite format 3\0", 16};
constexpr std::uint64_t kLockByte = 0x40000000;
constexpr std::uint32_t kLeastUsable = 480;
constexpr std::uint32_t kSmallestPage = 512;
constexpr std::uint32_t kLargestPage = 65536;

bool has_magic(Bytes bytes) {
  return std::ranges::equal(bytes.first(kMagic.size()), std::as_bytes(std::span(kMagic)));
}

// The three fractions are the same in every file, and so tell a header whose beginning is damaged.
bool has_fractions(Bytes bytes) {
  return big_endian<std::uint8_t>(bytes, 21) == 64 && big_endian<std::uint8_t>(bytes, 22) == 32 &&
         big_endian<std::uint8_t>(bytes, 23) == 32;
}

// SQLite fills pages from their end, so that a page of the right size has a cell that ends there.
bool is_full_page(Bytes bytes, PageNumber number) {
  try {
    const BtreePage page(bytes, number);
    std::size_t end = 0;
    for (std::size_t i = 0; i < page.cell_count(); ++i)
      end = std::max(end, page.cell(i).end);
    return end == bytes.size();
  } catch (const Damage&) {
    return false;
  }
}

}  // namespace

FileHeader FileHeader::parse(Bytes bytes) {
  FileHeader header;
  if (bytes.size() < kHeaderSize || !(has_magic(bytes) || has_fractions(bytes))) return header;
  header.recognised = has_magic(bytes) && has_fractions(bytes);
  const std::uint32_t page_size = big_endian<std::uint16_t>(bytes, 16);
  header.page_size = page_size == 1 ? kLargestPage : page_size;
  header.reserved = big_endian<std::uint8_t>(bytes, 20);
  // Programs from before SQLite 3.7 leave the number of pages as it is, but count the change.
  if (big_endian<std::uint32_t>(bytes, 24) == big_endian<std::uint32_t>(bytes, 92))
    header.page_count = big_endian<std::uint32_t>(bytes, 28);
  header.free_list = big_endian<std::uint32_t>(bytes, 32);
  header.free_pages = big_endian<std::uint32_t>(bytes, 36);
  header.auto_vacuum = big_endian<std::uint32_t>(bytes, 52) != 0;
  header.incremental_vacuum = big_endian<std::uint32_t>(bytes, 64) != 0;
  header.user_version = big_endian<std::uint32_t>(bytes, 60);
  header.application_id = big_endian<std::uint32_t>(bytes, 68);
  const auto encoding = big_endian<std::uint32_t>(bytes, 56);
  if (encoding >= 1 && encoding <= 3)
    header.encoding = static_cast<Encoding>(encoding);
  else
    header.recognised = header.recognised && encoding == 0;  // 0: nothing was written yet.
  return header;
}

PageSource::PageSource(const std::filesystem::path& path, std::uint32_t page_size, const Call& call)
    : file_(path, call),
      log_file_(SourceFile::open_if_there(path.native() + "-wal", call)),
      journal_file_(SourceFile::open_if_there(path.native() + "-journal", call)),
      log_(read_wal(log_file_)),
      journal_(read_journal(journal_file_)) {
  if (file_.size() == 0 && log_.offsets.empty() && journal_.offsets.empty())
    sqlite::raise_system(code("RECOVERY_FAILED"), "'" + path.string() + "' is empty", 0, call);
  find_page_size(page_size, call);
  page_count_ = log_.page_count != 0 ? log_.page_count : journal_.page_count;
  // A file that SQLite did not come to truncate may be longer; one that was cut off is shorter.
  if (page_count_ == 0)
    page_count_ = static_cast<std::uint32_t>((file_.size() + page_size_ - 1) / page_size_);
  read_header();
}

void PageSource::find_page_size(std::uint32_t asked, const Call& call) {
  std::array<std::byte, kHeaderSize> first{};
  try {
    file_.read(0, first);
    header_ = FileHeader::parse(first);
  } catch (const Damage&) {
    header_ = {};
  }
  const auto settle = [this](std::uint32_t size) {
    page_size_ = size;
    // What an overlay has is of no use in pages of another size.
    if (log_.page_size != size) log_ = {.loss = log_.loss};
    if (journal_.page_size != size) journal_ = {.loss = journal_.loss};
  };
  if (asked != 0) return settle(asked);
  if (log_.page_size != 0) return settle(log_.page_size);
  if (journal_.page_size != 0) return settle(journal_.page_size);
  if (is_page_size(header_.page_size) && fits_first_page(header_.page_size))
    return settle(header_.page_size);

  std::uint64_t most = 0;
  for (std::uint32_t size = kSmallestPage; size <= kLargestPage; size *= 2) {
    const std::uint64_t explained = bytes_explained(size);
    if (explained > most) {
      most = explained;
      settle(size);
    }
  }
  if (page_size_ != 0) return;
  if (header_.recognised && is_page_size(header_.page_size)) return settle(header_.page_size);
  sqlite::raise_system(
      code("RECOVERY_FAILED"),
      "'" + file_.path().string() + "' has neither a header nor pages of a SQLite database", 0,
      call);
}

bool PageSource::fits_first_page(std::uint32_t page_size) const {
  if (header_.reserved > page_size - kLeastUsable) return false;
  std::vector<std::byte> buffer(page_size);
  try {
    file_.read(0, buffer);
    const BtreePage page(Bytes(buffer).first(page_size - header_.reserved), 1);
    return page.cell_count() == 0 ||
           is_full_page(Bytes(buffer).first(page_size - header_.reserved), 1);
  } catch (const Damage&) {
    return false;
  }
}

std::uint64_t PageSource::bytes_explained(std::uint32_t page_size) const {
  constexpr std::uint64_t kLooks = 1000;  // Enough for a verdict on a file of any size.
  const std::uint64_t pages = file_.size() / page_size;
  const std::uint64_t step = std::max<std::uint64_t>(1, pages / kLooks);
  std::vector<std::byte> buffer(page_size);
  std::uint64_t found = 0;
  for (std::uint64_t i = 0; i < pages; i += step) {
    try {
      file_.read(i * page_size, buffer);
      if (is_full_page(buffer, i == 0 ? 1 : 2)) found += page_size * step;
    } catch (const Damage&) {
      continue;
    }
  }
  return found;
}

// The log may have a newer first page than the file.
void PageSource::read_header() {
  std::vector<std::byte> buffer;
  try {
    header_.reserved = 0;
    header_ = FileHeader::parse(read(1, buffer));
  } catch (const Damage&) {
    header_ = {};
  }
  if (header_.reserved > page_size_ - kLeastUsable) header_.reserved = 0;
}

Bytes PageSource::read(PageNumber number, std::vector<std::byte>& buffer) const {
  if (number == 0) throw Damage("there is no page 0");
  if (number > page_count_) throw Damage("it lies past the end of the file");
  buffer.resize(page_size_);
  if (const auto in_log = log_.offsets.find(number); in_log != log_.offsets.end())
    log_file_.read(in_log->second, buffer);
  else if (const auto kept = journal_.offsets.find(number); kept != journal_.offsets.end())
    journal_file_.read(kept->second, buffer);
  else
    file_.read(std::uint64_t{number - 1} * page_size_, buffer);
  return Bytes(buffer).first(usable_size());
}

bool PageSource::is_of_the_file_itself(PageNumber number) const noexcept {
  const auto lock_page = static_cast<PageNumber>(kLockByte / page_size_ + 1);
  if (number == lock_page) return true;
  if (!header_.auto_vacuum || number < 2) return false;
  // https://sqlite.org/fileformat2.html#pointer_map_or_ptrmap_pages
  const PageNumber period = usable_size() / 5 + 1;
  PageNumber map = (number - 2) / period * period + 2;
  if (map == lock_page) ++map;
  return number == map;
}

}  // namespace turnstile::database::recovery
