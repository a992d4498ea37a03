// A reference to something callable, for arguments that are called before the call returns.
// std::function would copy the closure and may allocate; the standard's function_ref is C++26.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace turnstile::detail {

template <class Signature>
class FunctionRef;

/// Threads: confined. Does not own what it refers to.
template <class R, class... Args>
class FunctionRef<R(Args...)> {
 public:
  template <class F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef> &&
             std::is_invocable_r_v<R, F&, Args...>)
  FunctionRef(F&& f) noexcept  // NOLINT(google-explicit-constructor): an argument type
      : target_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
        call_([](void* target, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(target))(std::forward<Args>(args)...);
        }) {}

  R operator()(Args... args) const { return call_(target_, std::forward<Args>(args)...); }

 private:
  void* target_;
  R (*call_)(void*, Args...);
};

}  // namespace turnstile::detail
