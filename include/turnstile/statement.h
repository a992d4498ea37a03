// Prepared statements and the rows they give.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "turnstile/row.h"
#include "turnstile/value.h"

namespace turnstile {

template <class... T>
class Rows;

/// What one execution did.
///
/// Threads: immutable.
struct ExecuteResult {
  std::int64_t changes = 0;            ///< Rows inserted, updated or deleted; triggers not counted.
  std::int64_t last_insert_rowid = 0;  ///< Rowid of the last inserted row; 0 if none was.
};

/// A prepared statement, borrowed from its connection's cache and given back, reset, when it is
/// destroyed. It belongs to the transaction that made it: using it after the transaction's end
/// throws MisuseError (STATEMENT_EXPIRED).
///
/// Threads: scoped.
class Statement {
 public:
  Statement() noexcept = default;
  explicit Statement(detail::StatementEntry* entry) noexcept;
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  [[nodiscard]] std::string_view sql() const;  ///< As it was prepared.
  [[nodiscard]] int parameter_count() const;   ///< Highest number of a parameter.
  /// The name of a parameter (1-based) with its prefix, or empty for a bare `?`.
  [[nodiscard]] std::string_view parameter_name(int index) const;
  [[nodiscard]] int column_count() const;                        ///< 0 when it gives no rows.
  [[nodiscard]] std::string_view column_name(int column) const;  ///< Numbered from 0.
  /// False if running it may change the file (https://sqlite.org/c3ref/stmt_readonly.html).
  [[nodiscard]] bool is_read_only() const;

  /// Binds `args`, runs to the end and resets. Text and blobs are not copied. Result rows, if
  /// any, are passed over. Throws ConstraintError, StorageError, MisuseError, Timeout, Error.
  template <class... Args>
  ExecuteResult execute(const Args&... args) {
    restart();
    detail::bind_all(*entry_, detail::Lifetime::Borrow, args...);
    return run();
  }

  /// Binds `args` (text and blobs are copied) and gives the rows one after the other. This
  /// statement must stay in place while the rows are in use. `T...` are the columns' types.
  template <class... T, class... Args>
  [[nodiscard]] Rows<T...> query(const Args&... args) & {
    restart();
    detail::bind_all(*entry_, detail::Lifetime::Copy, args...);
    return Rows<T...>(*this);
  }
  /// The same for a temporary statement, which the rows then own.
  template <class... T, class... Args>
  [[nodiscard]] Rows<T...> query(const Args&... args) && {
    restart();
    detail::bind_all(*entry_, detail::Lifetime::Copy, args...);
    return Rows<T...>(std::move(*this));
  }

  // For code that does not know the statement beforehand, such as a shell.

  /// Binds one parameter (1-based); it stays bound until the next execute() or query().
  template <class T>
  void bind(int index, const T& value) {
    prepare_binding();
    detail::bind_value(*entry_, index, value, detail::Lifetime::Copy);
  }
  template <class T>
  void bind(std::string_view name, const T& value) {
    prepare_binding();
    detail::bind_value(*entry_, detail::parameter_index(*entry_, name), value,
                       detail::Lifetime::Copy);
  }
  /// Goes to the next row; false at the end. Throws as execute().
  bool step();
  [[nodiscard]] Row row() const;  ///< That step() stands on; scoped as Row is.
  /// What the execution that just ended did.
  [[nodiscard]] ExecuteResult result() const;
  /// Ends the execution; what was bound stays bound. No effect on an expired statement.
  void rewind() noexcept;

 private:
  friend struct detail::StatementEntry;

  void require_usable() const;
  /// Ends the execution; everything is to be bound anew.
  void restart();
  /// Ends the execution; what was bound stays bound, but for values that execute() borrowed.
  void prepare_binding();
  ExecuteResult run();

  detail::StatementEntry* entry_ = nullptr;
};

/// The rows of a query, read as they are asked for, once. `Rows<>` gives untyped Row views,
/// `Rows<T>` gives T, `Rows<T, U, ...>` gives std::tuple, so that
/// `for (auto [id, title] : tx.query<std::int64_t, std::string>(...))` works.
///
/// Threads: scoped.
template <class... T>
class Rows {
 public:
  using value_type = typename decltype([] {  ///< What one row is.
    if constexpr (sizeof...(T) == 0)
      return std::type_identity<Row>{};
    else if constexpr (sizeof...(T) == 1)
      return std::type_identity<std::tuple_element_t<0, std::tuple<T...>>>{};
    else
      return std::type_identity<std::tuple<T...>>{};
  }())::type;

  /// Single pass: the copy of an iterator stands on the same row.
  class Iterator {
   public:
    using value_type = Rows::value_type;               ///< What one row is.
    using difference_type = std::ptrdiff_t;            ///< Never used.
    using iterator_concept = std::input_iterator_tag;  ///< Single pass.

    explicit Iterator(Rows* rows) noexcept : rows_(rows) {}  ///< At the present row.
    [[nodiscard]] value_type operator*() const { return rows_->current(); }  ///< Reads the row.
    Iterator& operator++() {  ///< Steps to the next row.
      rows_->advance();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& it, std::default_sentinel_t) noexcept {  ///< At the end.
      return it.at_end();
    }

   private:
    [[nodiscard]] bool at_end() const noexcept { return rows_->at_end_; }

    Rows* rows_;
  };

  /// Takes over a statement whose parameters are bound.
  explicit Rows(Statement&& owned) noexcept : owned_(std::move(owned)) {}
  /// Uses a statement that the caller keeps.
  explicit Rows(Statement& borrowed) noexcept : borrowed_(&borrowed) {}
  Rows(Rows&& other) noexcept
      : owned_(std::move(other.owned_)),
        borrowed_(std::exchange(other.borrowed_, nullptr)),
        at_end_(other.at_end_) {}
  Rows& operator=(Rows&&) = delete;
  Rows(const Rows&) = delete;
  Rows& operator=(const Rows&) = delete;
  ~Rows() {
    if (borrowed_ != nullptr) borrowed_->rewind();
  }

  [[nodiscard]] Iterator begin() {  ///< Steps to the first row.
    advance();
    return Iterator(this);
  }
  [[nodiscard]] std::default_sentinel_t end() const noexcept { return std::default_sentinel; }

  /// All rows, in order.
  [[nodiscard]] std::vector<value_type> all() {
    require_owning();
    std::vector<value_type> rows;
    for (auto it = begin(); it != end(); ++it)
      rows.push_back(*it);
    return rows;
  }

  /// The first row, or nothing when there is none. Later rows are not looked at.
  [[nodiscard]] std::optional<value_type> first() {
    require_owning();
    advance();
    if (at_end_) return std::nullopt;
    return current();
  }

  /// The only row; throws Error (ROW_COUNT) when there is none or a second one.
  [[nodiscard]] value_type one() {
    require_owning();
    advance();
    if (at_end_) detail::raise_row_count(statement().sql(), 0);
    value_type row = current();
    advance();
    if (!at_end_) detail::raise_row_count(statement().sql(), 2);
    return row;
  }

 private:
  static constexpr void require_owning() {
    static_assert(sizeof...(T) > 0, "name the column types: query<std::int64_t, std::string>()");
    static_assert((!detail::is_view<T> && ...),
                  "a view would outlive its row here; read std::string or turnstile::Blob");
  }

  Statement& statement() noexcept { return borrowed_ != nullptr ? *borrowed_ : owned_; }

  void advance() { at_end_ = !statement().step(); }

  value_type current() {
    if constexpr (sizeof...(T) == 0)
      return statement().row();
    else if constexpr (sizeof...(T) == 1)
      return std::get<0>(statement().row().template as<T...>());
    else
      return statement().row().template as<T...>();
  }

  Statement owned_;
  Statement* borrowed_ = nullptr;
  bool at_end_ = false;
};

}  // namespace turnstile
