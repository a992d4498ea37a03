// The program for everything that threads and processes do to each other: one scenario of one side
// a run, its figures as JSON. Google Benchmark is not used here: it measures one caller's loop,
// while here what counts is how many get how much of a window, and how long the unluckiest waits.
// bench/run runs it and puts the sides beside each other.
#include <sqlite3.h>

#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "contention/arguments.h"
#include "contention/scenarios.h"

namespace {

#ifdef NDEBUG
constexpr bool kAssertions = false;
#else
constexpr bool kAssertions = true;
#endif

}  // namespace

int main(int argc, char** argv) {
  using namespace turnstile::bench;
  try {
    const Arguments arguments = parse(argc, argv);
    nlohmann::json result{{"scenario", arguments.scenario},
                          {"side", name_of(arguments.side)},
                          {"sqlite", sqlite3_libversion()},
                          {"assertions", kAssertions}};
    result.update(run_scenario(arguments));  // A peer has a name and an engine of its own.
    std::cout << result.dump() << std::endl;
    return 0;
  } catch (const CLI::ParseError& error) {
    return CLI::App().exit(error);
  } catch (const std::exception& error) {
    std::cerr << "turnstile_contention: " << error.what() << '\n';
    return 1;
  }
}
