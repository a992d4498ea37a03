// A submitted closure, whatever its type and whoever wants to know of its end.
#pragma once

#include <exception>
#include <future>
#include <optional>
#include <type_traits>
#include <utility>

#include "turnstile/transaction.h"

namespace turnstile::detail {

/// A closure that waits for the writer's turn without a thread of its own. Threads: handed from one
/// to the other.
class SubmittedWrite {
 public:
  virtual ~SubmittedWrite() = default;
  virtual void run(WriteTx& tx) = 0;                           ///< Inside the transaction.
  virtual void committed() noexcept = 0;                       ///< After COMMIT.
  virtual void failed(std::exception_ptr error) noexcept = 0;  ///< Instead of committed().
  /// True when committed() and failed() run code of the program.
  [[nodiscard]] virtual bool runs_callbacks() const noexcept { return false; }
};

/// Keeps the closure's result. Threads: as SubmittedWrite.
template <class F, class R>
class SubmittedWriteBase : public SubmittedWrite {
 public:
  explicit SubmittedWriteBase(F closure) : closure_(std::move(closure)) {}

  void run(WriteTx& tx) override {
    if constexpr (std::is_void_v<R>)
      closure_(tx);
    else
      result_.emplace(closure_(tx));
  }

 protected:
  std::conditional_t<std::is_void_v<R>, std::nullopt_t, std::optional<R>> result_ = std::nullopt;

 private:
  F closure_;
};

/// Threads: as SubmittedWrite.
template <class F, class R>
class SubmittedWriteOf final : public SubmittedWriteBase<F, R> {
 public:
  using SubmittedWriteBase<F, R>::SubmittedWriteBase;
  std::future<R> future() { return promise_.get_future(); }

  void committed() noexcept override {
    if constexpr (std::is_void_v<R>)
      promise_.set_value();
    else
      promise_.set_value(std::move(*this->result_));
  }
  void failed(std::exception_ptr error) noexcept override {
    promise_.set_exception(std::move(error));
  }

 private:
  std::promise<R> promise_;
};

}  // namespace turnstile::detail
