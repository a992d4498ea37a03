#include "database/recovery/survey.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "database/recovery/record.h"

namespace turnstile::database::recovery {

namespace {

bool has_row_between(const BtreePage& leaf, std::int64_t low, std::int64_t high) {
  for (std::size_t i = 0; i < leaf.cell_count(); ++i) {
    try {
      const std::int64_t rowid = leaf.cell(i).rowid;
      if (rowid <= high && (rowid > low || low == std::numeric_limits<std::int64_t>::min()))
        return true;
    } catch (const Damage&) {
      continue;  // It will be reported when the rows are read.
    }
  }
  return leaf.cell_count() == 0;
}

bool is_row(const Cell& cell, const PageSource& pages) {
  if (cell.payload_size > std::uint64_t{pages.page_count()} * pages.page_size()) return false;
  if (cell.overflow != 0) return cell.overflow <= pages.page_count();
  return !parse_record(cell.local).empty();
}

// Most of its cells make sense. Any stretch of bytes may by chance look like a header.
bool looks_like_rows(const BtreePage& page, const PageSource& pages) {
  if (!page.is_leaf() && page.is_table()) return false;
  std::size_t good = 0;
  for (std::size_t i = 0; i < page.cell_count(); ++i) {
    try {
      if (is_row(page.cell(i), pages)) ++good;
    } catch (const Damage&) {
      continue;
    }
  }
  return good > 0 && good * 2 > page.cell_count();
}

// The topmost page above `number`; `parents` may lead in a circle.
PageNumber topmost(PageNumber number, const std::unordered_map<PageNumber, PageNumber>& parents) {
  constexpr int kDeepest = 40;  // No tree that fits into a file is deeper.
  for (int depth = 0; depth < kDeepest; ++depth) {
    const auto parent = parents.find(number);
    if (parent == parents.end()) break;
    number = parent->second;
  }
  return number;
}

}  // namespace

Survey::Survey(const PageSource& pages, std::function<void()> tick)
    : pages_(pages),
      tick_(std::move(tick)),
      owners_(std::size_t{pages.page_count()} + 1, Owner::Nobody) {}

Tree Survey::walk(PageNumber root, bool is_table) {
  Tree tree;
  tree.root = root;
  std::vector<Branch> open{{root}};
  while (!open.empty()) {
    const Branch branch = open.back();
    open.pop_back();
    try {
      visit(branch, is_table, tree, open);
    } catch (const Damage& damage) {
      tree.damaged.push_back({branch.number, damage.what()});
    }
  }
  return tree;
}

void Survey::visit(const Branch& branch, bool is_table, Tree& tree, std::vector<Branch>& open) {
  tick_();
  if (branch.number < owners_.size() && owners_[branch.number] != Owner::Nobody)
    throw Damage("it is in use twice");
  const BtreePage page(pages_.read(branch.number, buffer_), branch.number);
  if (page.is_table() != is_table)
    throw Damage(is_table ? "it is a page of an index" : "it is a page of a table");
  if (is_table && page.is_leaf() && !has_row_between(page, branch.low, branch.high))
    throw Damage("its rows do not belong where it is");
  owners_[branch.number] = Owner::Tree;
  // The inner pages of an index have entries too.
  if (page.is_leaf() || !is_table) tree.pages.push_back(branch.number);
  if (!page.is_leaf()) add_children(page, branch, tree, open);
}

void Survey::add_children(const BtreePage& page, const Branch& branch, Tree& tree,
                          std::vector<Branch>& open) {
  std::vector<Branch> children;
  std::string damage;
  std::int64_t low = branch.low;
  for (std::size_t i = 0; i < page.cell_count(); ++i) {
    try {
      const Cell cell = page.cell(i);
      const std::int64_t high = page.is_table() ? cell.rowid : branch.high;
      children.push_back({cell.left_child, low, high});
      if (page.is_table()) low = cell.rowid;
    } catch (const Damage& found) {
      damage = found.what();
    }
  }
  children.push_back({page.right_child(), low, branch.high});
  if (!damage.empty() && page.is_table()) tree.damaged.push_back({branch.number, damage});
  open.insert(open.end(), children.rbegin(), children.rend());
}

bool Survey::walk_free_list() {
  PageNumber trunk = pages_.header().free_list;
  std::uint32_t left = pages_.header().free_pages;
  while (trunk != 0 && left != 0)
    if (!walk_trunk(trunk, left)) return false;
  return pages_.header().recognised && trunk == 0 && left == 0;
}

// https://sqlite.org/fileformat2.html#the_freelist
bool Survey::walk_trunk(PageNumber& number, std::uint32_t& left) {
  const auto take = [&](PageNumber page) {
    if (page == 0 || page >= owners_.size() || owners_[page] != Owner::Nobody || left == 0)
      return false;
    owners_[page] = Owner::FreeList;
    --left;
    return true;
  };
  tick_();
  try {
    if (!take(number)) return false;
    const Bytes trunk = pages_.read(number, buffer_);
    number = big_endian<std::uint32_t>(trunk, 0);
    const auto leaves = big_endian<std::uint32_t>(trunk, 4);
    for (std::uint32_t i = 0; i < leaves; ++i)
      if (!take(big_endian<std::uint32_t>(trunk, std::size_t{8} + 4 * std::size_t{i})))
        return false;
    return true;
  } catch (const Damage&) {
    return false;
  }
}

std::vector<CutOff> Survey::find_cut_off(detail::FunctionRef<bool(PageNumber)> wanted) {
  // SQLite does not use what lies behind the number of pages in the header.
  PageNumber last = pages_.page_count();
  if (const std::uint32_t claimed = pages_.header().page_count; claimed != 0)
    last = std::min(last, claimed);
  std::vector<CutOff> found;
  std::unordered_map<PageNumber, PageNumber> parents;
  for (PageNumber number = 1; number <= last; ++number) {
    if (owners_[number] != Owner::Nobody || pages_.is_of_the_file_itself(number)) continue;
    tick_();
    try {
      const BtreePage page(pages_.read(number, buffer_), number);
      if (looks_like_rows(page, pages_) && wanted(number))
        found.push_back({number, number, page.is_table()});
      if (page.is_leaf()) continue;
      for (std::size_t i = 0; i < page.cell_count(); ++i)
        parents.emplace(page.cell(i).left_child, number);
      parents.emplace(page.right_child(), number);
    } catch (const Damage&) {
      continue;  // Overflow pages, and what is lost.
    }
  }
  for (CutOff& page : found) {
    owners_[page.number] = Owner::Tree;
    page.root = topmost(page.number, parents);
  }
  return found;
}

bool Survey::take_overflow(PageNumber number) {
  if (number == 0 || number >= owners_.size()) return false;
  Owner& owner = owners_[number];
  if (owner == Owner::Tree || owner == Owner::Overflow) return false;
  owner = Owner::Overflow;
  return true;
}

}  // namespace turnstile::database::recovery
