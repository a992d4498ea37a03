// One page of a b-tree, taken apart. https://sqlite.org/fileformat2.html#b_tree_pages
#pragma once

#include <cstddef>
#include <cstdint>

#include "database/recovery/bytes.h"

namespace turnstile::database::recovery {

enum class PageKind : std::uint8_t {
  IndexInterior = 2,
  TableInterior = 5,
  IndexLeaf = 10,
  TableLeaf = 13,
};

struct Cell {
  PageNumber left_child = 0;  // Interior pages.
  std::int64_t rowid = 0;     // Pages of tables.
  /// Of all but the interior pages of tables: the bytes of the whole record, the first of them,
  /// and the page where the others begin, 0 when these are all.
  std::uint64_t payload_size = 0;
  Bytes local{};
  PageNumber overflow = 0;
  std::size_t end = 0;  // The byte of the page after the cell.
};

/// A view of a page; its cells refer to the page's bytes. Threads: immutable.
class BtreePage {
 public:
  /// `page` are the bytes that SQLite uses of page `number`, without the reserved ones at its end.
  /// Throws Damage when it is no page of a b-tree.
  BtreePage(Bytes page, PageNumber number);

  [[nodiscard]] PageKind kind() const noexcept { return kind_; }
  [[nodiscard]] bool is_leaf() const noexcept {
    return kind_ == PageKind::TableLeaf || kind_ == PageKind::IndexLeaf;
  }
  [[nodiscard]] bool is_table() const noexcept {
    return kind_ == PageKind::TableLeaf || kind_ == PageKind::TableInterior;
  }
  [[nodiscard]] std::size_t cell_count() const noexcept { return cell_count_; }
  /// From 0. Throws Damage; the other cells may be good all the same.
  [[nodiscard]] Cell cell(std::size_t index) const;
  /// The last child of an interior page.
  [[nodiscard]] PageNumber right_child() const noexcept { return right_child_; }

 private:
  void read_payload(Cell& cell, std::size_t offset) const;
  [[nodiscard]] std::size_t local_size(std::uint64_t payload_size) const noexcept;

  Bytes page_;
  PageKind kind_{};
  std::size_t cell_count_ = 0;
  std::size_t pointers_ = 0;  // Where the array of cell pointers begins.
  PageNumber right_child_ = 0;
};

}  // namespace turnstile::database::recovery
