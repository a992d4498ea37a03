// From an argument to a side.
#pragma once

#include <stdexcept>
#include <string>
#include <type_traits>

#include "contention/arguments.h"
#include "contention/lane_side.h"
#include "contention/raw_sides.h"

namespace turnstile::bench {

/// Calls `run(side)` with the side that was asked for, open on `path`. When this returns, the side
/// is closed, and its file can be looked at.
template <class F>
auto with_side(const Arguments& arguments, const std::string& path, F&& run) {
  const auto call = [&]<class S>(std::type_identity<S> /*which*/) {
    S side(path, arguments.synchronous);
    return run(side);
  };
  switch (arguments.side) {
    case Side::Naive:
    case Side::Raw:
      return call(std::type_identity<NaiveSide>{});
    case Side::Published:
      return call(std::type_identity<PublishedSide>{});
    case Side::Mutex:
      return call(std::type_identity<MutexSide>{});
    case Side::Turnstile:
      return call(std::type_identity<LaneSide>{});
  }
  throw std::logic_error("a side without a class");
}

}  // namespace turnstile::bench
