#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "command.h"
#include "failure.h"
#include "parameters.h"
#include "rows.h"
#include "session.h"
#include "sql_runs.h"

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
    Statement statement = tx.prepare(sql);
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
