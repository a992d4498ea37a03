// How findings are shown, to programs and to people.
#pragma once

#include <string>
#include <vector>

#include "exit_codes.h"
#include "json.h"
#include "output.h"
#include "turnstile/doctor.h"

namespace turnstile::cli {

/// What --fix did about a finding. Threads: immutable.
struct Repair {
  std::string id;    ///< Of the finding.
  std::string done;  ///< A sentence.
};

[[nodiscard]] Json to_json(const DoctorReport& report, const std::vector<Repair>& repairs);

void print(const DoctorReport& report, const std::vector<Repair>& repairs, Output& output);

/// Done, No for warnings, Findings for failures.
[[nodiscard]] ExitCode exit_code_of(const DoctorReport& report) noexcept;

}  // namespace turnstile::cli
