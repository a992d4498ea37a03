// Pages that count in place of those in the file: the committed ones of the write-ahead log, and
// the former ones that the journal of an unfinished transaction has kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "database/recovery/source_file.h"

namespace turnstile::database::recovery {

struct Overlay {
  std::uint32_t page_size = 0;   // 0: there is nothing that counts.
  std::uint32_t page_count = 0;  // Of the database once it is laid over the file; 0: not known.
  std::unordered_map<PageNumber, std::uint64_t> offsets;  // Of pages in the log or journal.
  std::uint64_t uncommitted = 0;                          // Pages of a transaction without an end.
  std::string loss;                                       // A clause when it is itself damaged.
};

/// The frames up to the last commit whose checksums are right.
/// https://sqlite.org/fileformat2.html#the_write_ahead_log
[[nodiscard]] Overlay read_wal(const SourceFile& log);

/// The pages of a journal that is there to be rolled back.
/// https://sqlite.org/fileformat2.html#the_rollback_journal
[[nodiscard]] Overlay read_journal(const SourceFile& journal);

[[nodiscard]] constexpr bool is_page_size(std::uint32_t bytes) noexcept {
  return bytes >= 512 && bytes <= 65536 && (bytes & (bytes - 1)) == 0;
}

}  // namespace turnstile::database::recovery
