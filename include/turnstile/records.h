// Records: a described aggregate is a table, and its values are rows. See records/description.h for
// how to describe one.
//
// Most functions come twice: with a transaction of the caller's, of which they become a part, and
// without one, when they make one of their own through the lane. A record that is given as a
// variable is told what the library has set in its row (key, version, times) when the statement is
// done, or in the second form after the commit; of a constant or a temporary nothing is changed.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <ranges>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "turnstile/lane.h"
#include "turnstile/records/condition.h"
#include "turnstile/records/description.h"
#include "turnstile/records/layout.h"
#include "turnstile/records/record_schema.h"
#include "turnstile/records/row_access.h"
#include "turnstile/records/selection.h"

namespace turnstile {

/// What making a Records object does about its table.
enum class RecordTables {
  Ensure,   ///< Makes it, or adds what it lacks (RecordSchema::ensure).
  Require,  ///< Throws if it is missing or another one (RecordSchema::require).
  Trust,    ///< Does not look: somebody has ensured it before.
};

/// Threads: immutable.
struct RecordsOptions {
  RecordTables tables = RecordTables::Ensure;
  /// Where the times of creation and update are taken from; the system's clock when empty. It is
  /// called inside transactions, by several threads.
  std::function<std::chrono::system_clock::time_point()> now{};
};

/// What update() did.
enum class [[nodiscard]] UpdateResult {
  Updated,
  Stale,    ///< Nothing: somebody has changed the row since the record was read. Get it again.
  Missing,  ///< Nothing: there is no row of this key.
};

/// The rows of a described record's table. Copies are the same table.
///
/// Expected outcomes are values: a record that is not there is an empty optional or `false`, a
/// stale one a result of update(). All calls throw what Lane::read() and Lane::write() do; writes
/// throw ConstraintError when the table refuses a row, MisuseError (PARAMETER_INVALID) for a value
/// that cannot be stored; reads throw MisuseError (COLUMN_TYPE, COLUMN_RANGE) for a value that
/// others have stored and that its member cannot have.
///
/// Threads: shared.
template <Described T>
class Records {
  using Layout = detail::Layout<T>;
  template <auto Member>
  using TypeOf = detail::MemberType<Member>;
  using Where = std::source_location;

 public:
  /// The type of the key column; of several, a std::tuple in their order.
  using Key = typename detail::KeyOf<T>::Type;

  /// Throws what RecordSchema::ensure() or require() does, as `options.tables` says.
  explicit Records(Lane lane, RecordsOptions options = {}, Where where = Where::current())
      : lane_(std::move(lane)), options_(std::move(options)), table_(&detail::table_of<T>()) {
    if (options_.tables == RecordTables::Ensure) RecordSchema::of<T>().ensure(lane_, where);
    if (options_.tables == RecordTables::Require) RecordSchema::of<T>().require(lane_, where);
  }

  [[nodiscard]] const Lane& lane() const noexcept { return lane_; }
  [[nodiscard]] std::string_view table_name() const noexcept { return table_->name(); }
  /// The columns for a SELECT of one's own, whose rows are then read with read().
  [[nodiscard]] std::string columns() const { return table_->qualified_columns(); }
  /// The record of a row with columns() and no more.
  [[nodiscard]] static T read(const Row& row) { return detail::read_record<T>(row); }

  // One record. R is T, as a variable, a constant or a temporary.

  /// Its key. A single INTEGER key of 0 is replaced by the next one that is free.
  template <detail::RecordArgument<T> R = T>
  Key insert(WriteTx& tx, R&& record) const {
    return detail::take_inserted<T>(record, insert_row(tx, record));
  }
  template <detail::RecordArgument<T> R = T>
  Key insert(R&& record, Where where = Where::current()) const {
    return detail::take_inserted<T>(
        record, lane_.write([&](WriteTx& tx) { return insert_row(tx, record); }, where));
  }

  /// Inserts it, unless that would break a key or another unique value; false then.
  bool insert_if_absent(WriteTx& tx, const T& record) const {
    Statement statement = tx.prepare(table_->insert_if_absent());
    return detail::insert_values(statement, record, now()).changes > 0;
  }
  bool insert_if_absent(const T& record, Where where = Where::current()) const {
    return lane_.write([&](WriteTx& tx) { return insert_if_absent(tx, record); }, where);
  }
  /// Nothing when there is no row of that key.
  [[nodiscard]] std::optional<T> get(ReadTx& tx, const Key& key) const {
    Statement statement = tx.prepare(table_->get());
    return detail::read_first<T>(statement, detail::key_values<T>(key));
  }
  [[nodiscard]] std::optional<T> get(const Key& key, Where where = Where::current()) const {
    return lane_.read([&](ReadTx& tx) { return get(tx, key); }, where);
  }

  /// Gives the row of its key all other values of the record, but for times of creation and
  /// counters. With a version, only when the row still has the record's.
  template <detail::RecordArgument<T> R = T>
    requires(Layout::can_update())
  UpdateResult update(WriteTx& tx, R&& record) const {
    return take_updated(record, update_row(tx, record));
  }
  template <detail::RecordArgument<T> R = T>
    requires(Layout::can_update())
  UpdateResult update(R&& record, Where where = Where::current()) const {
    return take_updated(record,
                        lane_.write([&](WriteTx& tx) { return update_row(tx, record); }, where));
  }

  /// Inserts the record, or updates the row that has the same key or, if given, the same values in
  /// the members `Target`, which must be unique: `upsert<&Note::title>(tx, note)`. One statement,
  /// so that nobody comes between. The row's key; the version counts on and is not compared.
  template <auto... Target, detail::RecordArgument<T> R = T>
  Key upsert(WriteTx& tx, R&& record) const {
    return detail::take_upserted<T, Target...>(record, upsert_row<Target...>(tx, record));
  }
  template <auto... Target, detail::RecordArgument<T> R = T>
  Key upsert(R&& record, Where where = Where::current()) const {
    return detail::take_upserted<T, Target...>(
        record, lane_.write([&](WriteTx& tx) { return upsert_row<Target...>(tx, record); }, where));
  }

  /// False when there is none.
  bool remove(WriteTx& tx, const Key& key) const {
    return detail::execute(tx, table_->remove(), detail::key_values<T>(key)) > 0;
  }
  bool remove(const Key& key, Where where = Where::current()) const {
    return lane_.write([&](WriteTx& tx) { return remove(tx, key); }, where);
  }

  /// Adds `by` to a counter() where it is, so that no two increments lose one another; the new
  /// value, or nothing when there is no such record: `increment<&Note::reads>(tx, id)`.
  template <auto Member>
    requires(detail::IsCounter<T, Member>)
  std::optional<TypeOf<Member>> increment(WriteTx& tx, const Key& key,
                                          detail::StepOf<Member> by = 1) const {
    static const std::string sql =
        detail::table_of<T>().increment(Layout::template index_of<Member>());
    Statement statement = tx.prepare(sql);
    return detail::increment<T, TypeOf<Member>>(statement, by, now(), key);
  }
  template <auto Member>
    requires(detail::IsCounter<T, Member>)
  std::optional<TypeOf<Member>> increment(const Key& key, detail::StepOf<Member> by = 1,
                                          Where where = Where::current()) const {
    return lane_.write([&](WriteTx& tx) { return increment<Member>(tx, key, by); }, where);
  }

  // Many records, all or none: in the form with a transaction, a batch that throws leaves nothing
  // behind either. An error of one says which, by its place and its key, and what was wrong.

  template <detail::RangeOf<T> R>
  void insert_all(WriteTx& tx, R&& records) const {
    take_all_inserted(records, insert_rows(tx, records));
  }
  template <detail::RangeOf<T> R>
  void insert_all(R&& records, Where where = Where::current()) const {
    take_all_inserted(records,
                      lane_.write([&](WriteTx& tx) { return insert_rows(tx, records); }, where));
  }

  /// A result for each; that one is stale does not undo the others.
  template <detail::RangeOf<T> R>
    requires(Layout::can_update())
  std::vector<UpdateResult> update_all(WriteTx& tx, R&& records) const {
    return take_all_updated(records, update_rows(tx, records));
  }
  template <detail::RangeOf<T> R>
    requires(Layout::can_update())
  std::vector<UpdateResult> update_all(R&& records, Where where = Where::current()) const {
    return take_all_updated(
        records, lane_.write([&](WriteTx& tx) { return update_rows(tx, records); }, where));
  }

  template <auto... Target, detail::RangeOf<T> R>
  void upsert_all(WriteTx& tx, R&& records) const {
    take_all_upserted<Target...>(records, upsert_rows<Target...>(tx, records));
  }
  template <auto... Target, detail::RangeOf<T> R>
  void upsert_all(R&& records, Where where = Where::current()) const {
    take_all_upserted<Target...>(
        records,
        lane_.write([&](WriteTx& tx) { return upsert_rows<Target...>(tx, records); }, where));
  }

  /// How many there were.
  std::int64_t remove_all(WriteTx& tx, const std::vector<Key>& keys) const {
    Savepoint part = tx.savepoint();
    Statement statement = tx.prepare(table_->remove());
    std::int64_t removed = 0;
    for (const Key& key : keys)
      removed += detail::execute(statement, detail::key_values<T>(key));
    part.release();
    return removed;
  }
  std::int64_t remove_all(const std::vector<Key>& keys, Where where = Where::current()) const {
    return lane_.write([&](WriteTx& tx) { return remove_all(tx, keys); }, where);
  }

  /// Those of `keys`, in their order, with one query.
  [[nodiscard]] std::vector<std::optional<T>> get_all(ReadTx& tx,
                                                      const std::vector<Key>& keys) const
    requires(Layout::kHasSingleKey)
  {
    static const std::string sql = detail::select_listed(detail::table_of<T>(), Layout::kKey);
    std::vector<std::optional<T>> records;
    for (std::vector<T>& found : detail::read_lists<T>(tx, sql, detail::to_values<Key>(keys)))
      records.push_back(found.empty() ? std::nullopt : std::optional<T>(std::move(found.front())));
    return records;
  }
  [[nodiscard]] std::vector<std::optional<T>> get_all(const std::vector<Key>& keys,
                                                      Where where = Where::current()) const
    requires(Layout::kHasSingleKey)
  {
    return lane_.read([&](ReadTx& tx) { return get_all(tx, keys); }, where);
  }

  /// For each of `parents` the records whose `Member` it is, by their key, with one query for all:
  /// `notes.get_children<&Note::owner>(tx, owners)`.
  template <auto Member>
    requires(detail::IsReference<T, Member>)
  [[nodiscard]] std::vector<std::vector<T>> get_children(
      ReadTx& tx, const std::vector<detail::PlainType<Member>>& parents) const {
    static const std::string sql =
        detail::select_listed(detail::table_of<T>(), Layout::template index_of<Member>());
    return detail::read_lists<T>(tx, sql, detail::to_values<detail::PlainType<Member>>(parents));
  }
  template <auto Member>
    requires(detail::IsReference<T, Member>)
  [[nodiscard]] std::vector<std::vector<T>> get_children(
      const std::vector<detail::PlainType<Member>>& parents, Where where = Where::current()) const {
    return lane_.read([&](ReadTx& tx) { return get_children<Member>(tx, parents); }, where);
  }

  // Records that fulfil a condition.

  [[nodiscard]] Selection<T> where(Condition<T> condition) const {  ///< Those of which it holds.
    return Selection<T>(lane_, std::move(condition));
  }
  /// All records.
  [[nodiscard]] Selection<T> select() const { return where({}); }

  /// How many were removed. Throws MisuseError (RECORD_CRITERION) for a condition that was made
  /// without anything: all records are removed by clear() only.
  std::int64_t remove_where(WriteTx& tx, const Condition<T>& condition,
                            Where where = Where::current()) const {
    detail::require_criterion(condition.text(), *table_, where);
    return detail::remove_rows(tx, *table_, condition.text());
  }
  std::int64_t remove_where(const Condition<T>& condition, Where where = Where::current()) const {
    return lane_.write([&](WriteTx& tx) { return remove_where(tx, condition, where); }, where);
  }
  /// Removes all records; how many they were.
  std::int64_t clear(WriteTx& tx) const { return detail::remove_rows(tx, *table_, {}); }
  std::int64_t clear(Where where = Where::current()) const {
    return lane_.write([&](WriteTx& tx) { return clear(tx); }, where);
  }

  /// Sets columns, and counts versions on; how many records that were:
  /// `update_where(tx, field<&Note::owner> == "ada", {field<&Note::owner>.set("eve")})`. Throws as
  /// remove_where(), and MisuseError (OPTION_INVALID) without an assignment.
  std::int64_t update_where(WriteTx& tx, const Condition<T>& condition,
                            const std::vector<Assignment<T>>& assignments,
                            Where where = Where::current()) const {
    detail::require_criterion(condition.text(), *table_, where);
    std::vector<std::pair<std::size_t, Value>> list;
    for (const Assignment<T>& each : assignments)
      list.emplace_back(each.column(), each.value());
    return detail::update_rows(tx, *table_, condition.text(), list, now(), where);
  }
  std::int64_t update_where(const Condition<T>& condition,
                            const std::vector<Assignment<T>>& assignments,
                            Where where = Where::current()) const {
    return lane_.write([&](WriteTx& tx) { return update_where(tx, condition, assignments, where); },
                       where);
  }

 private:
  template <class V>
  using Stamped = detail::Stamped<V>;
  template <auto... Target>
  using Returned = typename detail::ReturnedBy<T, Target...>::Type;

  [[nodiscard]] detail::Moment now() const {
    if constexpr (Layout::kHasTimes) {
      return std::chrono::floor<std::chrono::microseconds>(
          options_.now ? options_.now() : std::chrono::system_clock::now());
    } else {
      return {};
    }
  }

  // What is done in the transaction, and then with the variable.

  [[nodiscard]] Stamped<std::int64_t> insert_row(WriteTx& tx, const T& record) const {
    const detail::Moment time = now();
    Statement statement = tx.prepare(table_->insert());
    return {detail::insert_one(statement, record, time), time};
  }

  [[nodiscard]] Stamped<UpdateResult> update_row(WriteTx& tx, const T& record) const {
    const detail::Moment time = now();
    Statement statement = tx.prepare(table_->update());
    if (detail::update_values(statement, record, time) > 0) return {UpdateResult::Updated, time};
    return {why_not_updated(tx, record), time};
  }
  [[nodiscard]] UpdateResult why_not_updated(WriteTx& tx, const T& record) const {
    if (!Layout::kHasVersion) return UpdateResult::Missing;
    const Key key = detail::key_of(record);
    return detail::exists(tx, table_->find(), detail::key_values<T>(key)) ? UpdateResult::Stale
                                                                          : UpdateResult::Missing;
  }
  template <class R>
  [[nodiscard]] static UpdateResult take_updated(R& record, const Stamped<UpdateResult>& done) {
    if constexpr (!std::is_const_v<R>)
      if (done.value == UpdateResult::Updated) detail::fill_updated(record, done.now);
    return done.value;
  }

  template <auto... Target>
  [[nodiscard]] static const std::string& upsert_sql() {
    static_assert(detail::is_unique_target<T, Target...>(),
                  "upsert<...>() needs members that are unique together");
    static const std::string sql = detail::upsert_sql<T, Target...>();
    return sql;
  }
  template <auto... Target>
  [[nodiscard]] Stamped<Returned<Target...>> upsert_row(WriteTx& tx, const T& record) const {
    const detail::Moment time = now();
    Statement statement = tx.prepare(upsert_sql<Target...>());
    return {detail::upsert_values<Returned<Target...>>(statement, record, time), time};
  }

  // The same of batches.

  template <class R>
  [[nodiscard]] Stamped<std::vector<std::int64_t>> insert_rows(WriteTx& tx,
                                                               const R& records) const {
    Stamped<std::vector<std::int64_t>> done{{}, now()};
    Statement statement = tx.prepare(table_->insert());
    detail::for_each_of_batch(tx, *table_, records, [&](const T& record) {
      done.value.push_back(detail::insert_one(statement, record, done.now));
    });
    return done;
  }
  template <class R>
  static void take_all_inserted(R& records, const Stamped<std::vector<std::int64_t>>& done) {
    detail::for_each_variable(records, [&](T& record, std::size_t i) {
      detail::fill_inserted(record, {done.value[i], done.now});
    });
  }

  template <class R>
  [[nodiscard]] Stamped<std::vector<UpdateResult>> update_rows(WriteTx& tx,
                                                               const R& records) const {
    Stamped<std::vector<UpdateResult>> done{{}, now()};
    Statement statement = tx.prepare(table_->update());
    detail::for_each_of_batch(tx, *table_, records, [&](const T& record) {
      done.value.push_back(detail::update_values(statement, record, done.now) > 0
                               ? UpdateResult::Updated
                               : why_not_updated(tx, record));
    });
    return done;
  }
  template <class R>
  [[nodiscard]] static std::vector<UpdateResult> take_all_updated(
      R& records, Stamped<std::vector<UpdateResult>> done) {
    detail::for_each_variable(records, [&](T& record, std::size_t i) {
      if (done.value[i] == UpdateResult::Updated) detail::fill_updated(record, done.now);
    });
    return std::move(done.value);
  }

  template <auto... Target, class R>
  [[nodiscard]] Stamped<std::vector<Returned<Target...>>> upsert_rows(WriteTx& tx,
                                                                      const R& records) const {
    Stamped<std::vector<Returned<Target...>>> done{{}, now()};
    Statement statement = tx.prepare(upsert_sql<Target...>());
    detail::for_each_of_batch(tx, *table_, records, [&](const T& record) {
      done.value.push_back(detail::upsert_values<Returned<Target...>>(statement, record, done.now));
    });
    return done;
  }
  template <auto... Target, class R>
  static void take_all_upserted(R& records, const Stamped<std::vector<Returned<Target...>>>& done) {
    detail::for_each_variable(records, [&](T& record, std::size_t i) {
      detail::fill_upserted<T, Target...>(record, done.value[i], done.now);
    });
  }

  Lane lane_;
  RecordsOptions options_;
  const detail::Table* table_;
};

}  // namespace turnstile
