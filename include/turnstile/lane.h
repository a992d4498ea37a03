// A subsystem's entrance to the database. A lane is all that a subsystem is given: it can read and
// write through it, and it cannot change a setting, take a connection or resize the pool.
#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <source_location>
#include <stop_token>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "turnstile/async.h"
#include "turnstile/detail/function_ref.h"
#include "turnstile/detail/observed_query.h"
#include "turnstile/detail/submitted_write.h"
#include "turnstile/migration.h"
#include "turnstile/observation.h"
#include "turnstile/priority.h"
#include "turnstile/transaction.h"

namespace turnstile {

/// What submit() does when the lane has as many closures waiting as it may have.
enum class WhenFull {
  Refuse,  ///< Throw QueueFull.
  Wait,    ///< Wait until there is room, up to the call's timeout; then throw QueueFull.
};

/// Settings of a lane, given when it is first asked for.
///
/// Threads: immutable.
struct LaneOptions {
  Priority priority = Priority::Normal;

  /// Closures that submit() may have waiting in this lane.
  std::size_t queue_limit = 4096;
  WhenFull when_full = WhenFull::Refuse;

  /// Whether closures of this lane may share a transaction with others that wait at the same time.
  /// Each fails alone all the same. Those that do not share run on the thread of their caller. Bulk
  /// lanes never share.
  bool share_transactions = true;

  /// How long a closure may go on before WriteTx::yield_point() lets others go first.
  std::chrono::milliseconds budget{10};
};

/// When a write counts as done.
enum class Durability {
  Default,  ///< As Options::synchronous says.
  Full,     ///< On the medium, also where Options::synchronous is Normal.
};

/// Settings of one call.
///
/// Threads: immutable.
struct CallOptions {
  /// Longest wait until the closure runs; the database's busy_timeout when empty. A submitted
  /// closure without one waits for its turn for as long as it takes.
  std::optional<std::chrono::milliseconds> timeout{};

  /// A stop that is requested ends the wait at once and interrupts running SQL; the call throws
  /// Cancelled and nothing of it is kept. A write with a token shares no transaction.
  std::stop_token stop{};

  Durability durability = Durability::Default;  ///< Of a write.
};

namespace detail {

class Core;
class LaneState;

template <class R>
inline constexpr bool kOutlivesTransaction =
    !std::is_reference_v<R> && !is_view<R> && !std::is_same_v<R, Row> &&
    !std::is_same_v<R, Statement> && !std::is_same_v<R, Savepoint>;
template <class... T>
inline constexpr bool kOutlivesTransaction<Rows<T...>> = false;

/// Calls `closure` and hands its result on, for closures that return nothing too.
template <class R, class Tx, class Run, class F>
R call_for_result(const Run& run, F& closure) {
  static_assert(kOutlivesTransaction<R>,
                "the result refers to the transaction, which has ended by then; return a value");
  if constexpr (std::is_void_v<R>) {
    run([&closure](Tx& tx) { closure(tx); });
  } else {
    std::optional<R> result;
    run([&closure, &result](Tx& tx) { result.emplace(closure(tx)); });
    return std::move(*result);
  }
}

}  // namespace detail

/// A named entrance, from Database::lane(). Copies are the same lane. It keeps working until the
/// database is closed; after that every call throws MisuseError (DB_CLOSED).
///
/// A closure runs once, and its result is handed on only after COMMIT. A read runs on the calling
/// thread. A write runs there too while nobody else writes; when others wait, a thread of the
/// library runs their closures together, each in a savepoint, with one COMMIT. So a write must not
/// depend on its thread: no lock that its caller holds, no thread_local value.
/// Waiting for oneself is refused with MisuseError before it happens: a write or a read inside a
/// write, a read inside a read (use the transaction that is there), and a write inside a read where
/// both need the same connection. A write inside a read of a file is fine.
///
/// All calls throw Timeout (with the holder), StorageError, MisuseError, Cancelled (when the
/// database is being closed), Error, and what the closure throws.
///
/// Threads: shared.
class Lane {
 public:
  explicit Lane(std::shared_ptr<detail::LaneState> state) noexcept;

  [[nodiscard]] std::string_view name() const noexcept;  ///< As it was asked for.

  /// Runs `closure(ReadTx&)` on a snapshot. Never waits for a writer (but see Options::mode
  /// Memory), only for a free reader.
  template <class F, class R = std::invoke_result_t<F&, ReadTx&>>
  R read(F&& closure, std::source_location where = std::source_location::current()) const {
    return read(CallOptions{}, closure, where);
  }
  template <class F, class R = std::invoke_result_t<F&, ReadTx&>>
  R read(const CallOptions& options, F&& closure,
         std::source_location where = std::source_location::current()) const {
    return detail::call_for_result<R, ReadTx>(
        [&](detail::FunctionRef<void(ReadTx&)> body) { run_read(options, body, where); }, closure);
  }

  /// Runs `closure(WriteTx&)` in a transaction of its own when it is this call's turn: first come,
  /// first served among all threads and processes.
  template <class F, class R = std::invoke_result_t<F&, WriteTx&>>
  R write(F&& closure, std::source_location where = std::source_location::current()) const {
    return write(CallOptions{}, closure, where);
  }
  template <class F, class R = std::invoke_result_t<F&, WriteTx&>>
  R write(const CallOptions& options, F&& closure,
          std::source_location where = std::source_location::current()) const {
    return detail::call_for_result<R, WriteTx>(
        [&](detail::FunctionRef<void(WriteTx&)> body) { run_write(options, body, where); },
        closure);
  }

  /// Queues `closure(WriteTx&)` and returns at once; it runs on the library's writer thread when it
  /// is its turn. The future gets the result after COMMIT, or the exception. Throws QueueFull.
  /// The closure owns what it refers to; it may not be called again after its future is ready.
  template <class F, class R = std::invoke_result_t<std::decay_t<F>&, WriteTx&>>
  [[nodiscard]] std::future<R> submit(
      F&& closure, std::source_location where = std::source_location::current()) const {
    return submit(CallOptions{}, std::forward<F>(closure), where);
  }
  template <class F, class R = std::invoke_result_t<std::decay_t<F>&, WriteTx&>>
  [[nodiscard]] std::future<R> submit(
      const CallOptions& options, F&& closure,
      std::source_location where = std::source_location::current()) const {
    static_assert(detail::kOutlivesTransaction<R>, "return a value");
    auto write =
        std::make_unique<detail::SubmittedWriteOf<std::decay_t<F>, R>>(std::forward<F>(closure));
    std::future<R> result = write->future();
    enqueue(options, std::move(write), where);
    return result;
  }

  /// submit() without a future: `done(Outcome<R>)` is called in the end, on a thread of the library
  /// that may wait for writes. What it throws is dropped.
  template <class F, class Done, class R = std::invoke_result_t<std::decay_t<F>&, WriteTx&>>
    requires std::is_invocable_v<std::decay_t<Done>&, Outcome<R>>
  void submit(const CallOptions& options, F&& closure, Done&& done,
              std::source_location where = std::source_location::current()) const {
    static_assert(detail::kOutlivesTransaction<R>, "return a value");
    using Write = detail::SubmittedWriteWithCallback<std::decay_t<F>, R, std::decay_t<Done>>;
    enqueue(options, std::make_unique<Write>(std::forward<F>(closure), std::forward<Done>(done)),
            where);
  }

  /// submit() for coroutines: `co_await lane.async_write(executor, closure)` gives the result or
  /// throws. `executor(f)` has to see to it that `f()`, a std::function<void()>, is called soon,
  /// on a thread of the program's choice; the coroutine goes on there.
  template <class Executor, class F, class R = std::invoke_result_t<std::decay_t<F>&, WriteTx&>>
  auto async_write(Executor executor, F&& closure, CallOptions options = {},
                   std::source_location where = std::source_location::current()) const {
    auto start = [lane = *this, closure = std::decay_t<F>(std::forward<F>(closure)),
                  options = std::move(options), where](auto done) mutable {
      lane.submit(options, std::move(closure), std::move(done), where);
    };
    return WriteAwaitable<R, decltype(start), Executor>(std::move(start), std::move(executor));
  }

  /// Has `callback` called after each commit that touches one of `tables`, by whomever, soon and in
  /// the order of the commits; without tables, after every commit. Names are compared as SQLite
  /// compares them; one that no table has yet is waited for. A commit made shortly before may be
  /// told too. Throws MisuseError (DB_CLOSED), StorageError, Timeout, Error.
  [[nodiscard]] Observation observe(
      std::vector<std::string> tables, OnChange callback,
      std::source_location where = std::source_location::current()) const;

  /// Has `callback(const std::vector<Record>&)` called with the rows of a query, once soon and
  /// again when a commit has changed them; never with the same rows as before. A record is a row as
  /// in Rows<T...>: T itself, or std::tuple<T...>. `args` are copied. The query runs as a read of
  /// this lane on the observer thread; a failure of it is treated as one of the callback, and one
  /// that may pass is tried again. Throws what preparing the query throws.
  template <class... T, class F, class... Args>
  [[nodiscard]] Observation observe_query(std::string_view sql, F&& callback,
                                          const Args&... args) const {
    using Record = typename Rows<T...>::value_type;
    static_assert(std::is_invocable_v<std::decay_t<F>&, const std::vector<Record>&>);
    using Query = detail::ObservedQueryOf<std::decay_t<F>, Record, std::tuple<T...>,
                                          decltype(detail::owned(args))...>;
    return start_query(std::make_unique<Query>(std::string(sql), std::forward<F>(callback),
                                               detail::owned(args)...));
  }

  /// Database::migrate() for a subsystem, which has a lane and no more: runs those of its own
  /// schema steps that the file lacks; read-only, none may be missing (DB_READ_ONLY). Those of the
  /// application, of no component, are not its affair: an empty name is MIGRATION_INVALID.
  MigrationReport migrate(std::string_view component, const Migrations& migrations,
                          const MigrateOptions& options = {},
                          std::source_location where = std::source_location::current()) const;

 private:
  [[nodiscard]] Observation start_query(std::unique_ptr<detail::ObservedQuery> query) const;
  void run_read(const CallOptions& options, detail::FunctionRef<void(ReadTx&)> body,
                std::source_location where) const;
  void run_write(const CallOptions& options, detail::FunctionRef<void(WriteTx&)> body,
                 std::source_location where) const;
  void enqueue(const CallOptions& options, std::unique_ptr<detail::SubmittedWrite> write,
               std::source_location where) const;

  std::shared_ptr<detail::LaneState> state_;
};

}  // namespace turnstile
