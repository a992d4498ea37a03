// Places in the line for the writer's turn, for tests of that.
#pragma once

#include <chrono>
#include <source_location>
#include <string_view>

#include "gate/writer_turn.h"
#include "support/claims.h"

namespace turnstile::test {

/// Threads: as gate::Place.
class TurnPlace : public gate::Place {
 public:
  using Kind = gate::Place::Kind;

  /// As if it had come `ago`.
  explicit TurnPlace(Kind kind = Kind::Turn, Priority priority = Priority::Normal,
                     std::string_view lane = "test",
                     std::chrono::milliseconds ago = std::chrono::milliseconds(0))
      : Place(kind, priority,
              gate::Claim::of_this_thread(lane, std::source_location::current(),
                                          std::chrono::steady_clock::now() - ago)) {}
};

/// The turn for a thread of its own, with a place for the time of the wait.
[[nodiscard]] inline gate::Wait acquire(gate::WriterTurn& turn, Deadline deadline,
                                        std::string_view lane = "test") {
  TurnPlace place(gate::Place::Kind::Turn, Priority::Normal, lane);
  return turn.acquire(place, deadline);
}

using gate::at_once;

}  // namespace turnstile::test
