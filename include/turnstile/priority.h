// How urgent a lane's writes are.
#pragma once

#include <cstdint>

namespace turnstile {

/// Who goes first when several wait for the writer's turn. It is not absolute, so that nobody
/// starves: a call counts as having arrived later by a fixed time, and nobody who arrives after
/// that overtakes it.
enum class Priority : std::uint8_t {
  Interactive,  ///< Somebody looks at the screen. Goes before what waits at the same moment.
  Normal,       ///< Is overtaken by interactive calls that come up to 50 ms after it.
  Bulk,         ///< Is overtaken by all others that come up to 500 ms after it.
};

}  // namespace turnstile
