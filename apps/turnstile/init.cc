#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "command.h"
#include "failure.h"
#include "input.h"
#include "session.h"
#include "text.h"

namespace turnstile::cli {

namespace {

Migrations read_schema(const std::vector<std::string>& files) {
  Migrations steps;
  for (const std::string& file : files) {
    steps.push_back(
        {static_cast<int>(steps.size()) + 1, std::filesystem::path(file).stem(), read_file(file)});
  }
  return steps;
}

std::string_view detail_of(const DatabaseInfo& info, std::string_view phase) {
  const auto found = std::ranges::find(info.phases, phase, &BootstrapPhase::name);
  return found == info.phases.end() ? std::string_view() : std::string_view(found->detail);
}

}  // namespace

ExitCode run_init(Context& context) {
  const Arguments& arguments = context.arguments;
  Options options;
  options.page_size = arguments.page_size().value_or(options.page_size);
  options.migrations = read_schema(arguments.values("--schema"));

  const int asked_page_size = options.page_size;
  Session session = Session::for_writing(context, std::move(options));
  const DatabaseInfo info = session.info();
  if (asked_page_size != 0 && info.page_size_bytes != asked_page_size) {
    report_warning("PAGE_SIZE_KEPT",
                   fmt::format("the page size stays {} bytes; it is fixed when a file is made",
                               info.page_size_bytes),
                   arguments.json());
  }
  const std::string_view schema_change = detail_of(info, "migrate");
  if (arguments.json()) {
    context.output.write_json({{"path", info.path},
                               {"schema_version", info.schema_version},
                               {"schema_changed", !schema_change.empty()},
                               {"page_size_bytes", info.page_size_bytes},
                               {"file_bytes", info.file_bytes}});
  } else {
    context.output.write(fmt::format(
        "{} is ready: schema {}, page size {}\n", printable(info.path),
        schema_change.empty() ? fmt::format("version {}", info.schema_version) : schema_change,
        human_bytes(info.page_size_bytes)));
  }
  return ExitCode::Done;
}

}  // namespace turnstile::cli
