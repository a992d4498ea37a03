#include "database/recovery/btree_page.h"

#include <string>

namespace turnstile::database::recovery {

namespace {

constexpr std::size_t kFileHeaderSize = 100;  // In front of the first page's own header.

PageKind kind_of(std::byte first) {
  switch (const auto number = std::to_integer<std::uint8_t>(first)) {
    case 2:
    case 5:
    case 10:
    case 13:
      return static_cast<PageKind>(number);
    case 0:
      throw Damage("it is not a page of a table or an index, but begins with a zero");
    default:
      throw Damage("it is not a page of a table or an index, but begins with the byte " +
                   std::to_string(number));
  }
}

}  // namespace

BtreePage::BtreePage(Bytes page, PageNumber number) : page_(page) {
  const std::size_t header = number == 1 ? kFileHeaderSize : 0;
  kind_ = kind_of(slice(page, header, 1)[0]);
  cell_count_ = big_endian<std::uint16_t>(page, header + 3);
  pointers_ = header + (is_leaf() ? 8 : 12);
  if (!is_leaf()) right_child_ = big_endian<std::uint32_t>(page, header + 8);
  if (pointers_ + 2 * cell_count_ > page.size())
    throw Damage("it claims to have " + std::to_string(cell_count_) +
                 " cells, which is more than it has room for");
}

Cell BtreePage::cell(std::size_t index) const {
  std::size_t offset = big_endian<std::uint16_t>(page_, pointers_ + 2 * index);
  if (offset < pointers_ + 2 * cell_count_) throw Damage("a cell lies within the page's header");
  Cell cell;
  if (!is_leaf()) {
    cell.left_child = big_endian<std::uint32_t>(page_, offset);
    offset += sizeof(std::uint32_t);
  }
  if (kind_ != PageKind::TableInterior) {
    const Varint size = read_varint(page_, offset);
    offset += size.size;
    cell.payload_size = size.value;
  }
  if (is_table()) {
    const Varint rowid = read_varint(page_, offset);
    offset += rowid.size;
    cell.rowid = static_cast<std::int64_t>(rowid.value);
  }
  cell.end = offset;
  if (kind_ != PageKind::TableInterior) read_payload(cell, offset);
  return cell;
}

void BtreePage::read_payload(Cell& cell, std::size_t offset) const {
  const std::size_t size = local_size(cell.payload_size);
  cell.local = slice(page_, offset, size);
  cell.end = offset + size;
  if (size == cell.payload_size) return;
  cell.overflow = big_endian<std::uint32_t>(page_, cell.end);
  cell.end += sizeof(std::uint32_t);
}

// https://sqlite.org/fileformat2.html#cell_payload, with its names.
std::size_t BtreePage::local_size(std::uint64_t payload_size) const noexcept {
  const std::size_t u = page_.size();
  const std::size_t x = is_table() ? u - 35 : (u - 12) * 64 / 255 - 23;
  if (payload_size <= x) return static_cast<std::size_t>(payload_size);
  const std::size_t m = (u - 12) * 32 / 255 - 23;
  const auto k = static_cast<std::size_t>(m + (payload_size - m) % (u - 4));
  return k <= x ? k : m;
}

}  // namespace turnstile::database::recovery
