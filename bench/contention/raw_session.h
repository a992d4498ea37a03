// A connection of the C interface with its prepared statements, in the shape that the scenarios'
// templates use: execute(), first(), scan(). LaneTx has the same shape for Turnstile.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "contention/queries.h"
#include "support/raw.h"

namespace turnstile::bench {

/// How a transaction that will write begins.
enum class Begin { Immediate, Deferred };

/// Threads: confined.
class RawSession {
 public:
  RawSession(const std::string& path, Synchronous synchronous) : connection_(path, synchronous) {}

  RawConnection& connection() noexcept { return connection_; }

  template <class... Args>
  void execute(Query query, const Args&... args) {
    RawStatement& statement = prepared(query);
    bind(statement, args...);
    statement.run();
  }

  /// The first row, a tuple of its columns or, of a single column, its value.
  template <class... T, class... Args>
  auto first(Query query, const Args&... args) {
    RawStatement& statement = prepared(query);
    bind(statement, args...);
    auto row = read_row<T...>(statement, std::index_sequence_for<T...>{});
    statement.reset();
    return row;
  }

  /// Calls `each(id, bytes)` for every row of two columns; the bytes are SQLite's own.
  template <class F>
  void scan(Query query, F&& each) {
    RawStatement& statement = prepared(query);
    while (statement.step())
      each(statement.integer(0), statement.bytes(1));
    statement.reset();
  }

  /// Runs `closure(RawSession&)` in a transaction; undoes it when the closure throws.
  template <class F>
  void write(Begin how, F&& closure) {
    (how == Begin::Immediate ? begin_immediate_ : begin_).run();
    Undo undo(connection_);
    closure(*this);
    commit_.run();
  }

 private:
  /// Ends a transaction that is still there. Threads: confined.
  class Undo {
   public:
    explicit Undo(const RawConnection& connection) : handle_(connection.handle()) {}
    Undo(const Undo&) = delete;
    Undo& operator=(const Undo&) = delete;
    ~Undo() {
      if (sqlite3_get_autocommit(handle_) == 0)
        sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
    }

   private:
    sqlite3* handle_;
  };

  RawStatement& prepared(Query query) {
    auto& statement = statements_[static_cast<std::size_t>(query)];
    if (!statement) statement.emplace(connection_, text_of(query));
    return *statement;
  }

  template <class... Args>
  static void bind(RawStatement& statement, const Args&... args) {
    [[maybe_unused]] int index = 0;
    (statement.bind(++index, args), ...);
  }

  template <class T>
  static T column(const RawStatement& statement, int index) {
    if constexpr (std::same_as<T, std::int64_t>)
      return statement.integer(index);
    else if constexpr (std::same_as<T, std::string>)
      return statement.text(index);
    else
      return statement.blob(index);
  }

  template <class... T, std::size_t... I>
  static auto read_row(RawStatement& statement, std::index_sequence<I...> /*columns*/) {
    using RowType = std::conditional_t<sizeof...(T) == 1, std::tuple_element_t<0, std::tuple<T...>>,
                                       std::tuple<T...>>;
    std::optional<RowType> row;
    if (statement.step()) row.emplace(column<T>(statement, static_cast<int>(I))...);
    return row;
  }

  RawConnection connection_;
  RawStatement begin_{connection_, "BEGIN"};
  RawStatement begin_immediate_{connection_, "BEGIN IMMEDIATE"};
  RawStatement commit_{connection_, "COMMIT"};
  std::array<std::optional<RawStatement>, kQueries> statements_;
};

}  // namespace turnstile::bench
