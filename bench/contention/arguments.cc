#include "contention/arguments.h"

#include <CLI/CLI.hpp>
#include <map>

#include "contention/scenarios.h"

namespace turnstile::bench {
namespace {

const std::map<std::string, Side>& sides() {
  static const std::map<std::string, Side> table{{"naive", Side::Naive},
                                                 {"raw", Side::Raw},
                                                 {"published", Side::Published},
                                                 {"mutex", Side::Mutex},
                                                 {"turnstile", Side::Turnstile}};
  return table;
}

const std::map<std::string, Synchronous>& levels() {
  static const std::map<std::string, Synchronous> table{{"normal", Synchronous::Normal},
                                                        {"full", Synchronous::Full}};
  return table;
}

template <class T>
std::string name_in(const std::map<std::string, T>& table, T value) {
  for (const auto& [name, each] : table)
    if (each == value) return name;
  return {};
}

}  // namespace

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  double seconds = arguments.seconds.count();
  double warm_up = arguments.warm_up.count();
  int hold_ms = 0;
  CLI::App app{"Runs one scenario of one side and prints what it saw as JSON."};
  app.add_option("scenario", arguments.scenario)
      ->required()
      ->check(CLI::IsMember(scenario_names()));
  app.add_option("--side", arguments.side)->transform(CLI::CheckedTransformer(sides()));
  app.add_option("--threads", arguments.threads)->check(CLI::Range(1, 256));
  app.add_option("--processes", arguments.processes)->check(CLI::Range(0, 64));
  app.add_option("--synchronous", arguments.synchronous)
      ->transform(CLI::CheckedTransformer(levels()));
  app.add_option("--seconds", seconds)->check(CLI::Range(0.01, 600.0));
  app.add_option("--warm-up", warm_up)->check(CLI::Range(0.0, 60.0));
  app.add_option("--hold-ms", hold_ms)->check(CLI::Range(0, 1000));
  app.add_option("--writes-per-second", arguments.writes_per_second)
      ->check(CLI::Range(0, 1'000'000));
  app.add_option("--count", arguments.count)->check(CLI::Range(1, 100'000));
  app.add_option("--file", arguments.file);
  app.add_option("--member", arguments.member);
  app.add_option("--peer", arguments.peer);
  app.parse(argc, argv);
  arguments.seconds = Seconds(seconds);
  arguments.warm_up = Seconds(warm_up);
  arguments.hold = std::chrono::milliseconds(hold_ms);
  return arguments;
}

std::string name_of(Side side) {
  return name_in(sides(), side);
}

std::string name_of(Synchronous synchronous) {
  return name_in(levels(), synchronous);
}

}  // namespace turnstile::bench
