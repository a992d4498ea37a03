#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "command.h"
#include "failure.h"
#include "input.h"
#include "parameters.h"
#include "session.h"
#include "sql_runs.h"

namespace turnstile::cli {

namespace {

ExecuteResult run_statement(WriteTx& tx, const std::string& sql,
                            const std::vector<Parameter>& parameters) {
  Statement statement = tx.prepare(sql);
  bind_parameters(statement, parameters);
  while (statement.step()) {
  }
  return statement.result();
}

std::int64_t ask(WriteTx& tx, std::string_view sql) {
  return tx.query<std::int64_t>(sql).one();
}

// The connection is this run's own, so that its counters began at zero with it. They count what
// triggers changed, too; only for one statement can that be told apart.
ExecuteResult run_script(WriteTx& tx, const std::string& sql) {
  tx.execute_script(sql);
  return {.changes = ask(tx, "SELECT total_changes()"),
          .last_insert_rowid = ask(tx, "SELECT last_insert_rowid()")};
}

}  // namespace

ExecuteResult run_sql(WriteTx& tx, const std::string& sql,
                      const std::vector<Parameter>& parameters) {
  try {
    return run_statement(tx, sql, parameters);
  } catch (const MisuseError& error) {
    if (!is_second_statement(error)) throw;
    if (!parameters.empty()) {
      throw usage_failure("there are several statements, and -p is for one",
                          "Give one statement, or write the values into the SQL.");
    }
  }
  return run_script(tx, sql);
}

Durability durability_of(const Arguments& arguments) {
  return arguments.value("--durability") == "full" ? Durability::Full : Durability::Default;
}

void print_result(Context& context, const ExecuteResult& result) {
  if (context.arguments.json()) {
    context.output.write_json(
        {{"changes", result.changes}, {"last_insert_rowid", result.last_insert_rowid}});
  } else {
    context.output.write(fmt::format("changes: {}\nlast_insert_rowid: {}\n", result.changes,
                                     result.last_insert_rowid));
  }
}

ExitCode run_exec(Context& context) {
  const Arguments& arguments = context.arguments;
  const std::vector<Parameter> parameters = parse_parameters(arguments.values("--param"));
  std::string sql = arguments.positional("SQL");
  if (sql == "-") sql = read_standard_input();

  Options options;
  options.mode = OpenMode::ReadWrite;
  options.connections = 1;
  if (durability_of(arguments) == Durability::Full) options.synchronous = Synchronous::Full;
  const Session session = Session::for_writing(context, std::move(options));
  const ExecuteResult result =
      session.lane().write([&](WriteTx& tx) { return run_sql(tx, sql, parameters); });
  print_result(context, result);
  return ExitCode::Done;
}

}  // namespace turnstile::cli
