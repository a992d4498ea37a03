#include "host/phases.h"

#include <chrono>
#include <cstddef>
#include <exception>
#include <set>
#include <string>

#include "host/start_error.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::host {

namespace {

using Clock = std::chrono::steady_clock;

void check(const std::vector<Phase>& phases, const Call& call) {
  std::set<std::string> names;
  for (const Phase& phase : phases) {
    if (phase.name.empty() || !phase.run || !names.insert(phase.name).second) {
      sqlite::raise_misuse(code("OPTION_INVALID"),
                           "phase '" + phase.name + "' has no name of its own, or nothing to run",
                           call);
    }
  }
}

/// Undoes the last of the `count` phases first. Returns what could not be undone, as a clause.
[[nodiscard]] std::string undo(const std::vector<Phase>& phases, std::size_t count) {
  std::string failures;
  while (count-- > 0) {
    const Phase& phase = phases[count];
    if (!phase.undo) continue;
    try {
      phase.undo();
    } catch (...) {
      failures +=
          "; undoing phase '" + phase.name + "' failed: " + text_of(std::current_exception());
    }
  }
  return failures;
}

}  // namespace

std::vector<BootstrapPhase> run_phases(const std::vector<Phase>& phases, Startup& startup,
                                       const Call& call) {
  check(phases, call);
  std::vector<BootstrapPhase> done;
  for (std::size_t number = 0; number < phases.size(); ++number) {
    const Phase& phase = phases[number];
    const auto began = Clock::now();
    startup.detail.clear();
    try {
      phase.run(startup);
    } catch (...) {
      const std::exception_ptr cause = std::current_exception();
      throw start_error("phase", phase.name, code("PHASE_FAILED"), cause, call,
                        undo(phases, number + 1));
    }
    done.push_back(
        {.name = phase.name,
         .duration = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began),
         .detail = startup.detail});
  }
  return done;
}

}  // namespace turnstile::host
