// What a write that nobody waits for ends with, and how a coroutine waits for one.
#pragma once

#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>
#include <variant>

#include "turnstile/detail/submitted_write.h"

namespace turnstile {

/// The result of a write or its exception.
///
/// Threads: confined.
template <class R>
class Outcome {
 public:
  using Value = std::conditional_t<std::is_void_v<R>, std::monostate, R>;  ///< What it holds.

  explicit Outcome(Value value) : state_(std::in_place_index<0>, std::move(value)) {}  ///< Done.
  explicit Outcome(std::exception_ptr error) : state_(std::in_place_index<1>, std::move(error)) {}

  /// True when it was committed.
  [[nodiscard]] bool ok() const noexcept { return state_.index() == 0; }
  [[nodiscard]] explicit operator bool() const noexcept { return ok(); }  ///< As ok().
  /// Null when ok().
  [[nodiscard]] std::exception_ptr error() const noexcept {
    return ok() ? nullptr : std::get<1>(state_);
  }
  /// The result, or throws the exception. Once.
  R get() {
    if (!ok()) std::rethrow_exception(std::get<1>(state_));
    if constexpr (!std::is_void_v<R>) return std::move(std::get<0>(state_));
  }

 private:
  std::variant<Value, std::exception_ptr> state_;
};

namespace detail {

/// Calls `done(Outcome<R>)` in the end.
template <class F, class R, class Done>
class SubmittedWriteWithCallback final : public SubmittedWriteBase<F, R> {
 public:
  SubmittedWriteWithCallback(F closure, Done done)
      : SubmittedWriteBase<F, R>(std::move(closure)), done_(std::move(done)) {}

  void committed() noexcept override {
    if constexpr (std::is_void_v<R>)
      call(Outcome<R>(std::monostate{}));
    else
      call(Outcome<R>(std::move(*this->result_)));
  }
  void failed(std::exception_ptr error) noexcept override { call(Outcome<R>(std::move(error))); }
  [[nodiscard]] bool runs_callbacks() const noexcept override { return true; }

 private:
  void call(Outcome<R> outcome) noexcept {
    try {
      done_(std::move(outcome));
    } catch (...) {
      // The write is committed or not, whatever its callback makes of that.
      return;
    }
  }

  Done done_;
};

}  // namespace detail

/// What Lane::async_write() returns: `co_await` it once. The write is submitted when the coroutine
/// awaits it, and no thread waits meanwhile.
///
/// Threads: confined. It may be given up before it is awaited, not after.
template <class R, class Start, class Executor>
class [[nodiscard]] WriteAwaitable {
 public:
  WriteAwaitable(Start start, Executor executor)  ///< By Lane::async_write().
      : start_(std::move(start)), executor_(std::move(executor)) {}

  [[nodiscard]] bool await_ready() const noexcept { return false; }  ///< For co_await.
  void await_suspend(std::coroutine_handle<> coroutine) {            ///< For co_await.
    // The coroutine may go on, and end, on another thread before start() returns, and this object
    // with it: what is used until then is on the stack.
    Start start = std::move(start_);
    start([this, coroutine, executor = std::move(executor_)](Outcome<R> outcome) mutable {
      outcome_.emplace(std::move(outcome));
      executor(std::function<void()>([coroutine] { coroutine.resume(); }));
    });
  }
  R await_resume() { return outcome_->get(); }  ///< For co_await.

 private:
  Start start_;
  Executor executor_;
  std::optional<Outcome<R>> outcome_;
};

}  // namespace turnstile
