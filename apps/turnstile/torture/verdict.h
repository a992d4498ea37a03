// After a torture run: is all there that was acknowledged, and nothing else, and does it fit?
#pragma once

#include <filesystem>
#include <stop_token>

#include "torture/ledger.h"
#include "torture/report.h"

namespace turnstile::cli::torture {

/// Looks at the order in which the processes had their turns. Called while nobody works. A database
/// that cannot be opened or read is a finding, here and below.
void judge_turns(const std::filesystem::path& database, Report& report);

/// Opens the database, as a program would after a crash, and compares it with the ledger. Throws
/// Cancelled when it is stopped.
void judge(const std::filesystem::path& database, const Ledger& ledger, const Settings& settings,
           Report& report, const std::stop_token& stop);

}  // namespace turnstile::cli::torture
