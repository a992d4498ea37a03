// checkpoint, optimize, vacuum. As in copies.cc, Ctrl-C ends them through a stop token.
#include <fmt/core.h>

#include <cstdint>
#include <stop_token>
#include <string>
#include <utility>

#include "command.h"
#include "context.h"
#include "failure.h"
#include "progress_bar.h"
#include "session.h"
#include "text.h"
#include "turnstile/maintenance.h"

namespace turnstile::cli {

namespace {

Database open_existing(const Context& context) {
  Options options;
  options.mode = OpenMode::ReadWrite;
  options.connections = 2;
  return open_for_writing(context, std::move(options));
}

}  // namespace

ExitCode run_checkpoint(Context& context) {
  const Arguments& arguments = context.arguments;
  std::stop_source stop;
  const Interrupts::StopAction on_signal(context.interrupts, [&] { stop.request_stop(); });
  const Database database = open_existing(context);
  const CheckpointReport report = database.maintenance().checkpoint(
      arguments.has("--passive") ? CheckpointMode::Passive : CheckpointMode::Truncate,
      {.stop = stop.get_token()});
  if (arguments.json()) {
    context.output.write_json({{"complete", report.complete},
                               {"log_frames", report.log_frames},
                               {"copied_frames", report.copied_frames}});
  } else {
    context.output.write(fmt::format("{} of {} frames are in the file{}\n", report.copied_frames,
                                     report.log_frames,
                                     report.complete ? "" : "; readers keep the rest in the log"));
  }
  return report.complete ? ExitCode::Done : ExitCode::No;
}

ExitCode run_optimize(Context& context) {
  std::stop_source stop;
  const Interrupts::StopAction on_signal(context.interrupts, [&] { stop.request_stop(); });
  const Database database = open_existing(context);
  database.maintenance().optimize({.stop = stop.get_token()});
  if (context.arguments.json())
    context.output.write_json({{"path", database.info().path}});
  else
    context.output.write(fmt::format("{} is optimized\n", printable(database.info().path)));
  return ExitCode::Done;
}

ExitCode run_vacuum(Context& context) {
  const Arguments& arguments = context.arguments;
  const auto pages = arguments.integer("--pages", 1);
  if (pages && !arguments.has("--incremental"))
    throw usage_failure("--pages goes with --incremental", "Add --incremental, or leave it out.");
  const std::int64_t most = pages.value_or(0);
  std::stop_source stop;
  const Interrupts::StopAction on_signal(context.interrupts, [&] { stop.request_stop(); });
  const Database database = open_existing(context);
  const DatabaseInfo before = database.info();
  {
    ProgressBar progress(arguments.json());
    const MaintenanceOptions options{.stop = stop.get_token(), .progress = progress.sink()};
    const Maintenance maintenance = database.maintenance();
    if (arguments.has("--incremental")) {
      static_cast<void>(maintenance.incremental_vacuum(most, options));
      // The file gets shorter only when the log is copied.
      static_cast<void>(maintenance.checkpoint(CheckpointMode::Passive));
    } else {
      maintenance.vacuum(options);
    }
  }
  const DatabaseInfo after = database.info();
  if (arguments.json()) {
    context.output.write_json({{"path", after.path},
                               {"file_bytes_before", before.file_bytes},
                               {"file_bytes", after.file_bytes},
                               {"free_pages", after.free_pages}});
  } else {
    context.output.write(fmt::format("{}: {} -> {}\n", printable(after.path),
                                     human_bytes(before.file_bytes),
                                     human_bytes(after.file_bytes)));
  }
  return ExitCode::Done;
}

}  // namespace turnstile::cli
