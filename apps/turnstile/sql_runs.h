// SQL of the command line, for the commands that run it on one database or another.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "command.h"
#include "context.h"
#include "parameters.h"
#include "turnstile/lane.h"

namespace turnstile::cli {

inline constexpr auto kDurabilities = std::to_array<std::string_view>({"normal", "full"});
inline constexpr Flag kDurability = {
    "--durability", "LEVEL", "full: safe against a power failure too, on return (default normal)",
    '\0',           false,   Words::Choices,
    kDurabilities};

/// What --durability asks for.
[[nodiscard]] Durability durability_of(const Arguments& arguments);

/// Runs one statement, or, without parameters, several. Throws Failure (USAGE) for several with
/// parameters.
[[nodiscard]] ExecuteResult run_sql(WriteTx& tx, const std::string& sql,
                                    const std::vector<Parameter>& parameters);
void print_result(Context& context, const ExecuteResult& result);

/// Runs the query SQL with its -p, and prints its rows as --format says.
void print_query(Context& context, const Lane& lane);

}  // namespace turnstile::cli
