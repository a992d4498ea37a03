#include "turnstile/version.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <optional>
#include <string>

#include "command.h"
#include "context.h"
#include "failure.h"
#include "json.h"
#include "text.h"
#include "turnstile/database.h"

namespace turnstile::cli {

namespace {

// The extension knows its version itself, and only once it is loaded.
std::optional<std::string> sqlite_vec_version(bool json) {
  const char* const path = std::getenv("TURNSTILE_VEC0");
  if (path == nullptr || *path == '\0') return std::nullopt;
  try {
    Options options;
    options.mode = OpenMode::Memory;
    options.connections = 1;
    options.extensions.push_back({.path = path, .entry_point = {}});
    const Database database = Database::open(":memory:", options);
    return database.lane("cli").read(
        [](ReadTx& tx) { return tx.query<std::string>("SELECT vec_version()").one(); });
  } catch (const Error& error) {
    report_warning(error.code(), error.message(), json);
    return std::nullopt;
  }
}

}  // namespace

ExitCode run_version(Context& context) {
  const bool json = context.arguments.json();
  const EngineInfo engine = engine_info();
  const std::optional<std::string> vec = sqlite_vec_version(json);
  if (json) {
    context.output.write_json({{"version", kVersion},
                               {"engine",
                                {{"version", engine.version},
                                 {"source_id", engine.source_id},
                                 {"compile_options", engine.compile_options}}},
                               {"sqlite_vec", vec ? Json(*vec) : Json()}});
  } else {
    context.output.write(
        fmt::format("turnstile   {}\nSQLite      {}\nsource id   {}\nsqlite-vec  {}\noptions     "
                    "{}\n",
                    kVersion, engine.version, engine.source_id,
                    vec ? printable(*vec) : "not loaded", fmt::join(engine.compile_options, " ")));
  }
  return ExitCode::Done;
}

}  // namespace turnstile::cli
