// The scenarios, each in a file of its own.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "contention/arguments.h"

namespace turnstile::bench {

nlohmann::json run_writers(const Arguments& arguments);     // T5, T6, T7, T8, T11
nlohmann::json run_submitters(const Arguments& arguments);  // T9, T11
nlohmann::json run_processes(const Arguments& arguments);   // T10
nlohmann::json run_reader(const Arguments& arguments);      // T12
nlohmann::json run_mix(const Arguments& arguments);         // T1, T13
nlohmann::json run_starts(const Arguments& arguments);      // T1
nlohmann::json run_migrations(const Arguments& arguments);  // T17
nlohmann::json run_peer(const Arguments& arguments);        // T20

// What run_processes() and run_starts() start this program as.
nlohmann::json run_process_member(const Arguments& arguments);
nlohmann::json run_start_member(const Arguments& arguments);

/// Throws std::invalid_argument for a name that scenario_names() does not have.
nlohmann::json run_scenario(const Arguments& arguments);
std::vector<std::string> scenario_names();

}  // namespace turnstile::bench
