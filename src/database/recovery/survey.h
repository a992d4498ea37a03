// The first pass: which page belongs to whom. It reads every page once and no row.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "database/recovery/btree_page.h"
#include "database/recovery/page_source.h"
#include "turnstile/detail/function_ref.h"
#include "turnstile/recovery.h"

namespace turnstile::database::recovery {

/// The pages of one b-tree.
struct Tree {
  PageNumber root = 0;
  std::vector<PageNumber> pages;  // Those that have rows, in the order of their keys.
  std::vector<DamagedPage> damaged;
};

/// A page that nobody owns and that has rows.
struct CutOff {
  PageNumber number = 0;
  PageNumber root = 0;  // The topmost page that leads to it, often itself.
  bool is_table = true;
};

/// Threads: confined.
class Survey {
 public:
  /// `tick` is called for each page that is read, and may throw.
  Survey(const PageSource& pages, std::function<void()> tick);

  /// Takes what can be reached from `root` and has no owner yet.
  [[nodiscard]] Tree walk(PageNumber root, bool is_table);

  /// Takes the free list. False when it is damaged; then pages of deleted rows may be without
  /// owner.
  [[nodiscard]] bool walk_free_list();

  /// Takes of the rest what looks like rows of tables or of indexes in every detail, if `wanted`,
  /// which may throw Damage.
  [[nodiscard]] std::vector<CutOff> find_cut_off(detail::FunctionRef<bool(PageNumber)> wanted);

  /// For the pages of a record that does not fit into one: each belongs to one record only.
  /// False when it has an owner already.
  [[nodiscard]] bool take_overflow(PageNumber number);

 private:
  // A subtree, and the rowids that its parent allows: above `low` up to `high`.
  struct Branch {
    PageNumber number = 0;
    std::int64_t low = std::numeric_limits<std::int64_t>::min();
    std::int64_t high = std::numeric_limits<std::int64_t>::max();
  };
  enum class Owner : std::uint8_t { Nobody, Tree, FreeList, Overflow };

  void visit(const Branch& branch, bool is_table, Tree& tree, std::vector<Branch>& open);
  void add_children(const BtreePage& page, const Branch& branch, Tree& tree,
                    std::vector<Branch>& open);
  [[nodiscard]] bool walk_trunk(PageNumber& number, std::uint32_t& left);

  const PageSource& pages_;
  std::function<void()> tick_;
  std::vector<Owner> owners_;  // By page number.
  std::vector<std::byte> buffer_;
};

}  // namespace turnstile::database::recovery
