#include "database/recovery/overlay.h"

#include <array>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace turnstile::database::recovery {

namespace {

constexpr std::size_t kWalHeaderSize = 32;
constexpr std::size_t kFrameHeaderSize = 24;
constexpr std::uint32_t kWalMagic = 0x377F0682;  // The lowest bit: checksums are big-endian.
constexpr std::uint32_t kWalVersion = 3007000;
constexpr std::uint64_t kJournalMagic = 0xD9D505F920A163D7;
constexpr std::size_t kJournalHeaderSize = 28;
constexpr std::uint32_t kAllRecords = 0xFFFFFFFF;  // Of a journal that was never synced.

// https://sqlite.org/fileformat2.html#checksum_algorithm
class WalChecksum {
 public:
  explicit WalChecksum(bool big_endian) noexcept : big_endian_(big_endian) {}

  void add(Bytes bytes) {
    for (std::size_t i = 0; i + 8 <= bytes.size(); i += 8) {
      first_ += word(bytes, i) + second_;
      second_ += word(bytes, i + 4) + first_;
    }
  }
  [[nodiscard]] bool stands_at(Bytes bytes, std::size_t offset) const {
    return big_endian<std::uint32_t>(bytes, offset) == first_ &&
           big_endian<std::uint32_t>(bytes, offset + 4) == second_;
  }

 private:
  [[nodiscard]] std::uint32_t word(Bytes bytes, std::size_t offset) const {
    const auto value = big_endian<std::uint32_t>(bytes, offset);
    return big_endian_ ? value : __builtin_bswap32(value);
  }

  bool big_endian_;
  std::uint32_t first_ = 0;
  std::uint32_t second_ = 0;
};

class WalReader {
 public:
  explicit WalReader(const SourceFile& log) : log_(log) {}

  /// What was read before a failure counts.
  Overlay read() {
    try {
      if (log_.size() >= kWalHeaderSize) read_log();
    } catch (const Damage& damage) {
      overlay_.loss = std::string("the write-ahead log cannot be read: ") + damage.what();
    }
    return std::move(overlay_);
  }

 private:
  void read_log() {
    log_.read(0, header_);
    const auto magic = big_endian<std::uint32_t>(header_, 0);
    const auto page_size = big_endian<std::uint32_t>(header_, 8);
    WalChecksum checksum((magic & 1U) != 0);
    checksum.add(Bytes(header_).first(24));
    if ((magic & ~1U) != kWalMagic || big_endian<std::uint32_t>(header_, 4) != kWalVersion ||
        !is_page_size(page_size) || !checksum.stands_at(header_, 24)) {
      overlay_.loss = "the header of the write-ahead log is damaged; what is only in it is lost";
      return;
    }
    read_frames(page_size, checksum);
  }

  [[nodiscard]] bool has_salts() const {
    return big_endian<std::uint64_t>(frame_, 8) == big_endian<std::uint64_t>(header_, 16);
  }

  // Each checksum goes over all that came before it, so that nothing counts after a wrong one.
  void read_frames(std::uint32_t page_size, WalChecksum checksum) {
    frame_.resize(kFrameHeaderSize + page_size);
    std::vector<std::pair<PageNumber, std::uint64_t>> transaction;
    std::uint64_t offset = kWalHeaderSize;
    for (; offset + frame_.size() <= log_.size(); offset += frame_.size()) {
      log_.read(offset, frame_);
      checksum.add(Bytes(frame_).first(8));
      checksum.add(Bytes(frame_).subspan(kFrameHeaderSize));
      if (!has_salts() || !checksum.stands_at(frame_, 16)) break;
      transaction.emplace_back(big_endian<std::uint32_t>(frame_, 0), offset + kFrameHeaderSize);
      const auto pages_after_commit = big_endian<std::uint32_t>(frame_, 4);
      if (pages_after_commit == 0) continue;
      for (const auto& [page, place] : std::exchange(transaction, {}))
        overlay_.offsets[page] = place;
      overlay_.page_count = pages_after_commit;
      overlay_.page_size = page_size;
    }
    overlay_.uncommitted = transaction.size();
    look_for_commits(offset);
  }

  // A crash may tear the last transaction, which had not been committed. A commit behind the break
  // had been.
  void look_for_commits(std::uint64_t offset) {
    for (; offset + frame_.size() <= log_.size(); offset += frame_.size()) {
      log_.read(offset, std::span(frame_).first(kFrameHeaderSize));
      if (!has_salts()) return;
      if (big_endian<std::uint32_t>(frame_, 4) != 0) {
        overlay_.loss = "a frame of the write-ahead log is damaged; commits behind it are lost";
        return;
      }
    }
  }

  const SourceFile& log_;
  std::array<std::byte, kWalHeaderSize> header_{};
  std::vector<std::byte> frame_;
  Overlay overlay_;
};

// A journal ends with the name of a super-journal if its transaction was one over several files. It
// was committed when that file is gone.
bool is_stale(const SourceFile& journal) {
  constexpr std::size_t kEndSize = 16;
  if (journal.size() < kJournalHeaderSize + kEndSize) return false;
  std::array<std::byte, kEndSize> end{};
  journal.read(journal.size() - kEndSize, end);
  const auto length = big_endian<std::uint32_t>(end, 0);
  if (big_endian<std::uint64_t>(end, 8) != kJournalMagic || length == 0 || length > 4096 ||
      length > journal.size() - kEndSize) {
    return false;
  }
  std::string name(length, '\0');
  journal.read(journal.size() - kEndSize - length, std::as_writable_bytes(std::span(name)));
  std::error_code error;
  return !std::filesystem::exists(name, error) && !error;
}

class JournalReader {
 public:
  explicit JournalReader(const SourceFile& journal) : journal_(journal) {}

  /// What was read before a failure counts.
  Overlay read() {
    try {
      std::optional<std::uint64_t> offset = is_stale(journal_) ? journal_.size() : 0;
      while (offset && *offset + kJournalHeaderSize <= journal_.size())
        offset = read_segment(*offset);
    } catch (const Damage& damage) {
      overlay_.loss = std::string("the rollback journal cannot be read: ") + damage.what();
    }
    return std::move(overlay_);
  }

 private:
  // Where the next segment begins; nothing at the end of what counts.
  std::optional<std::uint64_t> read_segment(std::uint64_t start) {
    std::array<std::byte, kJournalHeaderSize> header{};
    journal_.read(start, header);
    if (big_endian<std::uint64_t>(header, 0) != kJournalMagic) return std::nullopt;
    const auto records = big_endian<std::uint32_t>(header, 8);
    const auto nonce = big_endian<std::uint32_t>(header, 12);
    if (start == 0) {
      sector_ = big_endian<std::uint32_t>(header, 20);
      overlay_.page_size = big_endian<std::uint32_t>(header, 24);
      overlay_.page_count = big_endian<std::uint32_t>(header, 16);
      const bool is_sector = sector_ >= 32 && sector_ <= 65536 && (sector_ & (sector_ - 1)) == 0;
      if (!is_page_size(overlay_.page_size) || !is_sector) {
        overlay_ = {};
        return std::nullopt;
      }
    }
    std::vector<std::byte> record(overlay_.page_size + 8);
    std::uint64_t offset = start + sector_;
    for (std::uint32_t i = 0; records == kAllRecords || i < records; ++i) {
      if (offset + record.size() > journal_.size()) return std::nullopt;
      journal_.read(offset, record);
      if (!is_whole(record, nonce)) return std::nullopt;
      // The first copy is the oldest, and is the page as it was before the transaction.
      overlay_.offsets.emplace(big_endian<std::uint32_t>(record, 0), offset + 4);
      offset += record.size();
    }
    return (offset + sector_ - 1) / sector_ * sector_;
  }

  [[nodiscard]] bool is_whole(Bytes record, std::uint32_t nonce) const {
    std::uint32_t sum = nonce;
    for (std::size_t i = overlay_.page_size - 200; i > 0 && i < overlay_.page_size; i -= 200)
      sum += std::to_integer<std::uint32_t>(record[4 + i]);
    return sum == big_endian<std::uint32_t>(record, 4 + overlay_.page_size);
  }

  const SourceFile& journal_;
  std::uint32_t sector_ = 0;
  Overlay overlay_;
};

}  // namespace

Overlay read_wal(const SourceFile& log) {
  return WalReader(log).read();
}

Overlay read_journal(const SourceFile& journal) {
  return JournalReader(journal).read();
}

}  // namespace turnstile::database::recovery
