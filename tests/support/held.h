// A call whose closure a test keeps from ending.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <functional>
#include <future>
#include <latch>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>

#include "turnstile/turnstile.h"

namespace turnstile::test {

/// A read or a write on a thread of its own, which is inside its closure, after `first`, from the
/// constructor's end until let_go() or the destructor.
///
/// Threads: confined.
template <class Tx>
class Held {
 public:
  explicit Held(
      const Lane& lane, std::function<void(Tx&)> first = [](Tx&) {},
      std::source_location where = std::source_location::current())
      : where_(std::string(where.file_name()) + ":" + std::to_string(where.line())),
        call_(std::async(std::launch::async, [this, lane, first = std::move(first), where] {
          const auto closure = [&](Tx& tx) {
            first(tx);
            thread_id_ = ::gettid();
            begun_.count_down();
            done_.wait();
          };
          if constexpr (std::is_same_v<Tx, WriteTx>)
            lane.write(closure, where);
          else
            lane.read(closure, where);
        })) {
    begun_.wait();
  }
  ~Held() {
    if (call_.valid()) done_.count_down();
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  /// Lets the closure end and waits for the call; throws what the call throws.
  void let_go() {
    done_.count_down();
    call_.get();
  }

  [[nodiscard]] pid_t thread_id() const noexcept { return thread_id_; }
  /// `file:line` of the call.
  [[nodiscard]] const std::string& where() const noexcept { return where_; }

 private:
  const std::string where_;
  std::latch begun_{1};
  std::latch done_{1};
  pid_t thread_id_ = 0;
  std::future<void> call_;  // Last: its destructor waits for a thread that uses the others.
};

using HeldRead = Held<ReadTx>;
using HeldWrite = Held<WriteTx>;

}  // namespace turnstile::test
