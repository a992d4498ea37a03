// SQL of the command line, for the commands that run it on one database or another.
#pragma once

#include <string>
#include <vector>

#include "context.h"
#include "parameters.h"
#include "turnstile/lane.h"

namespace turnstile::cli {

/// Runs one statement, or, without parameters, several. Throws Failure (USAGE) for several with
/// parameters.
[[nodiscard]] ExecuteResult run_sql(WriteTx& tx, const std::string& sql,
                                    const std::vector<Parameter>& parameters);
void print_result(Context& context, const ExecuteResult& result);

/// Runs the query SQL with its -p, and prints its rows as --format says.
void print_query(Context& context, const Lane& lane);

}  // namespace turnstile::cli
