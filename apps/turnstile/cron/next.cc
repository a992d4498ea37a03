#include <chrono>
#include <cstddef>
#include <string>

#include "context.h"
#include "cron/commands.h"
#include "text.h"
#include "turnstile/cron_expression.h"
#include "turnstile/time_zone.h"

namespace turnstile::cli {

ExitCode run_cron_next(Context& context) {
  const Arguments& arguments = context.arguments;
  const TimeZone zone = TimeZone::find(arguments.value("--zone").value_or("UTC"));
  const auto given = arguments.value("--from");
  const auto from = given ? zone.parse(*given) : std::chrono::system_clock::now();
  const auto count =
      static_cast<std::size_t>(arguments.integer("--count", 1, 100'000).value_or(10));
  const auto expression =
      CronExpression::parse(arguments.positional("EXPRESSION")).counted_from(from);
  const auto times = expression.next(from, count, zone);
  if (arguments.json()) {
    nlohmann::ordered_json array = nlohmann::ordered_json::array();
    for (const auto time : times)
      array.push_back(iso_time(time));
    context.output.write_json(array);
  } else {
    for (const auto time : times)
      context.output.write(zone.format(time) + "\n");
  }
  return times.empty() ? ExitCode::No : ExitCode::Done;
}

}  // namespace turnstile::cli
