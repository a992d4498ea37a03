// A relation of many to many, kept in a table of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

#include "turnstile/records.h"

namespace turnstile {

/// Which records of two kinds belong together. The table is that of a described record with two
/// members that refer to the two kinds, and that are its key or are unique together. `Left` and
/// `Right` are these members: `ManyToMany<&Tagging::note, &Tagging::tag>`. Further members of it
/// have the values of a new record.
///
/// Throws as Records.
///
/// Threads: shared.
template <auto Left, auto Right>
class ManyToMany {
  static_assert(detail::ColumnMember<Left> && detail::ColumnMember<Right> &&
                    std::is_same_v<detail::RecordOf<Left>, detail::RecordOf<Right>>,
                "name two described members of one record");
  using Link = detail::RecordOf<Left>;
  using Layout = detail::Layout<Link>;
  template <auto Member>
  using ColumnOf = typename Layout::template ColumnAt<Layout::template index_of<Member>()>;

 public:
  using LeftRecord = typename ColumnOf<Left>::ParentRecord;    ///< What `Left` belongs to.
  using RightRecord = typename ColumnOf<Right>::ParentRecord;  ///< What `Right` belongs to.
  static_assert(!std::is_void_v<LeftRecord> && !std::is_void_v<RightRecord>,
                "both members need references<P>()");
  using LeftKey = detail::MemberType<Left>;    ///< Key of LeftRecord.
  using RightKey = detail::MemberType<Right>;  ///< Key of RightRecord.

  /// Makes the table as Records<Link> does.
  explicit ManyToMany(Lane lane, RecordsOptions options = {},
                      std::source_location where = std::source_location::current())
      : links_(std::move(lane), std::move(options), where) {}

  /// The records of the table itself, for whatever more there is to be done with them.
  [[nodiscard]] const Records<Link>& links() const noexcept { return links_; }

  /// Brings two together; false when they were already.
  bool add(WriteTx& tx, const LeftKey& left, const RightKey& right) const {
    Link link{};
    link.*Left = left;
    link.*Right = right;
    return links_.insert_if_absent(tx, link);
  }
  bool add(const LeftKey& left, const RightKey& right,
           std::source_location where = std::source_location::current()) const {
    return lane().write([&](WriteTx& tx) { return add(tx, left, right); }, where);
  }

  /// Parts them; false when they did not belong together.
  bool remove(WriteTx& tx, const LeftKey& left, const RightKey& right) const {
    return links_.remove_where(tx, field<Left> == left && field<Right> == right) > 0;
  }
  bool remove(const LeftKey& left, const RightKey& right,
              std::source_location where = std::source_location::current()) const {
    return lane().write([&](WriteTx& tx) { return remove(tx, left, right); }, where);
  }

  /// Sees to it that exactly `rights` belong to `left`.
  void replace(WriteTx& tx, const LeftKey& left, const std::vector<RightKey>& rights) const {
    Savepoint part = tx.savepoint();
    links_.remove_where(tx, field<Left> == left && !field<Right>.in(rights));
    for (const RightKey& right : rights)
      add(tx, left, right);
    part.release();
  }
  void replace(const LeftKey& left, const std::vector<RightKey>& rights,
               std::source_location where = std::source_location::current()) const {
    lane().write([&](WriteTx& tx) { replace(tx, left, rights); }, where);
  }

  /// What belongs to `left`, or to `right`, by its key.
  [[nodiscard]] std::vector<RightRecord> rights_of(ReadTx& tx, const LeftKey& left) const {
    return std::move(rights_of_each(tx, {left}).front());
  }
  [[nodiscard]] std::vector<RightRecord> rights_of(
      const LeftKey& left, std::source_location where = std::source_location::current()) const {
    return lane().read([&](ReadTx& tx) { return rights_of(tx, left); }, where);
  }
  /// As rights_of().
  [[nodiscard]] std::vector<LeftRecord> lefts_of(ReadTx& tx, const RightKey& right) const {
    return std::move(lefts_of_each(tx, {right}).front());
  }
  [[nodiscard]] std::vector<LeftRecord> lefts_of(
      const RightKey& right, std::source_location where = std::source_location::current()) const {
    return lane().read([&](ReadTx& tx) { return lefts_of(tx, right); }, where);
  }
  /// What belongs to each of `lefts`, in their order, with one query for all.
  [[nodiscard]] std::vector<std::vector<RightRecord>> rights_of_each(
      ReadTx& tx, const std::vector<LeftKey>& lefts) const {
    static const std::string sql = detail::select_related(detail::table_of<Link>(), kLeft, kRight,
                                                          detail::parent_of<ColumnOf<Right>>());
    return detail::read_lists<RightRecord>(tx, sql, detail::to_values<LeftKey>(lefts));
  }
  [[nodiscard]] std::vector<std::vector<LeftRecord>> lefts_of_each(  ///< As rights_of_each().
      ReadTx& tx, const std::vector<RightKey>& rights) const {
    static const std::string sql = detail::select_related(detail::table_of<Link>(), kRight, kLeft,
                                                          detail::parent_of<ColumnOf<Left>>());
    return detail::read_lists<LeftRecord>(tx, sql, detail::to_values<RightKey>(rights));
  }

 private:
  static constexpr std::size_t kLeft = Layout::template index_of<Left>();
  static constexpr std::size_t kRight = Layout::template index_of<Right>();

  [[nodiscard]] const Lane& lane() const noexcept { return links_.lane(); }

  Records<Link> links_;
};

}  // namespace turnstile
