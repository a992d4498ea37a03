#include "database/recovery/payload.h"

#include <algorithm>
#include <string>

namespace turnstile::database::recovery {

// https://sqlite.org/fileformat2.html#cell_payload_overflow_pages
Bytes PayloadReader::read(const Cell& cell) {
  if (cell.overflow == 0 && cell.local.size() == cell.payload_size) return cell.local;
  // Before memory is taken for it.
  if (cell.payload_size > std::uint64_t{pages_.page_count()} * pages_.usable_size())
    throw Damage("a row claims to be larger than the file");
  payload_.assign(cell.local.begin(), cell.local.end());
  for (PageNumber number = cell.overflow; payload_.size() < cell.payload_size;) {
    if (!survey_.take_overflow(number))
      throw Damage("the rest of a row is not where it should be, on page " +
                   std::to_string(number));
    const Bytes page = pages_.read(number, page_);
    number = big_endian<std::uint32_t>(page, 0);
    const Bytes content = page.subspan(sizeof(PageNumber));
    const std::uint64_t missing = cell.payload_size - payload_.size();
    const Bytes part =
        content.first(static_cast<std::size_t>(std::min<std::uint64_t>(missing, content.size())));
    payload_.insert(payload_.end(), part.begin(), part.end());
  }
  return payload_;
}

}  // namespace turnstile::database::recovery
