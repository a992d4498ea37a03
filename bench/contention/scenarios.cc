#include "contention/scenarios.h"

#include <map>
#include <stdexcept>

namespace turnstile::bench {
namespace {

using Scenario = nlohmann::json (*)(const Arguments&);

const std::map<std::string, Scenario>& scenarios() {
  static const std::map<std::string, Scenario> table{
      {"writers", run_writers},       {"submitters", run_submitters},
      {"processes", run_processes},   {"process-member", run_process_member},
      {"reader", run_reader},         {"mix", run_mix},
      {"starts", run_starts},         {"start-member", run_start_member},
      {"migrations", run_migrations}, {"peer", run_peer},
  };
  return table;
}

}  // namespace

nlohmann::json run_scenario(const Arguments& arguments) {
  const auto found = scenarios().find(arguments.scenario);
  if (found == scenarios().end())
    throw std::invalid_argument("there is no scenario '" + arguments.scenario + "'");
  return found->second(arguments);
}

std::vector<std::string> scenario_names() {
  std::vector<std::string> names;
  for (const auto& [name, scenario] : scenarios())
    names.push_back(name);
  return names;
}

}  // namespace turnstile::bench
