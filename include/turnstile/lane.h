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
#include <string_view>
#include <type_traits>
#include <utility>

#include "turnstile/detail/function_ref.h"
#include "turnstile/transaction.h"

namespace turnstile {

/// Settings of a lane, given when it is first asked for.
///
/// Threads: immutable.
struct LaneOptions {
  /// Closures that submit() may have waiting in this lane; beyond that it throws QueueFull.
  std::size_t queue_limit = 4096;
};

/// Settings of one call.
///
/// Threads: immutable.
struct CallOptions {
  /// Longest wait until the closure runs; the database's busy_timeout when empty.
  std::optional<std::chrono::milliseconds> timeout;
};

namespace detail {

class Core;
class LaneState;

/// A closure that waits for the writer's turn without a thread of its own.
class SubmittedWrite {
 public:
  virtual ~SubmittedWrite() = default;
  virtual void run(WriteTx& tx) = 0;                           ///< Inside the transaction.
  virtual void committed() noexcept = 0;                       ///< After COMMIT.
  virtual void failed(std::exception_ptr error) noexcept = 0;  ///< Instead of committed().
};

template <class F, class R>
class SubmittedWriteOf final : public SubmittedWrite {
 public:
  explicit SubmittedWriteOf(F closure) : closure_(std::move(closure)) {}
  std::future<R> future() { return promise_.get_future(); }

  void run(WriteTx& tx) override {
    if constexpr (std::is_void_v<R>)
      closure_(tx);
    else
      result_.emplace(closure_(tx));
  }
  void committed() noexcept override {
    if constexpr (std::is_void_v<R>)
      promise_.set_value();
    else
      promise_.set_value(std::move(*result_));
  }
  void failed(std::exception_ptr error) noexcept override {
    promise_.set_exception(std::move(error));
  }

 private:
  F closure_;
  std::promise<R> promise_;
  std::conditional_t<std::is_void_v<R>, std::nullopt_t, std::optional<R>> result_ = std::nullopt;
};

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
/// A closure runs once, on the calling thread, and its result is handed on only after COMMIT.
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

  [[nodiscard]] std::string_view name() const noexcept;

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
    static_assert(detail::kOutlivesTransaction<R>, "return a value");
    auto write =
        std::make_unique<detail::SubmittedWriteOf<std::decay_t<F>, R>>(std::forward<F>(closure));
    std::future<R> result = write->future();
    enqueue(std::move(write), where);
    return result;
  }

 private:
  void run_read(const CallOptions& options, detail::FunctionRef<void(ReadTx&)> body,
                std::source_location where) const;
  void run_write(const CallOptions& options, detail::FunctionRef<void(WriteTx&)> body,
                 std::source_location where) const;
  void enqueue(std::unique_ptr<detail::SubmittedWrite> write, std::source_location where) const;

  std::shared_ptr<detail::LaneState> state_;
};

}  // namespace turnstile
