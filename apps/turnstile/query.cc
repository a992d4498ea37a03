#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "command.h"
#include "failure.h"
#include "parameters.h"
#include "rows.h"
#include "session.h"
#include "sql_runs.h"
#include "text.h"

namespace turnstile::cli {

namespace {

std::string format_of(const Arguments& arguments) {
  const auto format = arguments.value("--format");
  if (!arguments.json()) return format.value_or("table");
  if (format && *format != "json") {
    throw usage_failure("--json and --format " + *format + " contradict each other",
                        "Give one of them.");
  }
  return "json";
}

bool begins_with_pragma(std::string_view sql) {
  constexpr std::string_view kWord = "pragma";
  sql.remove_prefix(std::min(sql.find_first_not_of(" \t\r\n"), sql.size()));
  return std::ranges::equal(sql.substr(0, kWord.size()), kWord,
                            [](char c, char lower) { return (c | 0x20) == lower; });
}

// Also the question for the journal mode counts as a statement that writes, but `turnstile exec`
// prints no rows.
Statement prepare(ReadTx& tx, const std::string& sql) {
  try {
    return tx.prepare(sql);
  } catch (const MisuseError& error) {
    if (error.code() != "READ_ONLY_TRANSACTION" || !begins_with_pragma(sql)) throw;
    throw Failure(ExitCode::Usage, "READ_ONLY_TRANSACTION",
                  fmt::format("'{}' counts as a statement that writes", printable(sql)),
                  "`turnstile info` shows how the database is set up, with its journal mode.");
  }
}

std::vector<std::string> columns_of(const Statement& statement) {
  std::vector<std::string> columns;
  for (int i = 0; i < statement.column_count(); ++i)
    columns.emplace_back(statement.column_name(i));
  return columns;
}

}  // namespace

void print_query(Context& context, const Lane& lane) {
  const std::string format = format_of(context.arguments);
  const std::vector<Parameter> parameters = parse_parameters(context.arguments.values("--param"));
  const std::string sql = context.arguments.positional("SQL");
  lane.read([&](ReadTx& tx) {
    Statement statement = prepare(tx, sql);
    bind_parameters(statement, parameters);
    // Nothing is printed before the first step, so that a statement that fails leaves no output.
    bool has_row = statement.step();
    const auto writer = make_row_writer(format, context.output, columns_of(statement));
    for (; has_row; has_row = statement.step())
      writer->add(statement.row());
    writer->finish();
  });
}

ExitCode run_query(Context& context) {
  // Before the file is looked for.
  static_cast<void>(format_of(context.arguments));
  static_cast<void>(parse_parameters(context.arguments.values("--param")));
  const Session session = Session::for_reading(context, 1);
  print_query(context, session.lane());
  return ExitCode::Done;
}

}  // namespace turnstile::cli
