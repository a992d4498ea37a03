#include <fmt/core.h>

#include <ostream>
#include <stop_token>
#include <streambuf>
#include <string>

#include "audit/commands.h"
#include "audit/common.h"
#include "progress_bar.h"
#include "session.h"

namespace turnstile::cli {

namespace {

/// Hands what is written to a stream to the program's output, whose failures it lets through.
///
/// Threads: confined.
class OutputBuffer final : public std::streambuf {
 public:
  explicit OutputBuffer(Output& output) : output_(output) {}

 protected:
  std::streamsize xsputn(const char* text, std::streamsize count) override {
    output_.write({text, static_cast<std::size_t>(count)});
    return count;
  }
  int_type overflow(int_type c) override {
    const char character = traits_type::to_char_type(c);
    output_.write({&character, 1});
    return c;
  }

 private:
  Output& output_;
};

}  // namespace

ExitCode run_audit_export(Context& context) {
  const Arguments& arguments = context.arguments;
  const AuditKey key = audit_key(context);
  std::stop_source stop;
  const Interrupts::StopAction on_signal(context.interrupts, [&] { stop.request_stop(); });
  OutputBuffer buffer(context.output);
  std::ostream out(&buffer);
  out.exceptions(std::ios::badbit);  // So that the output's own failure is what is thrown.
  AuditExport report;
  {
    ProgressBar progress(arguments.json());
    const Database database = open_for_reading(context, 1);
    report = AuditTrail(database.lane("cli"), key)
                 .export_to(out, {.after = arguments.integer("--after", 0).value_or(0),
                                  .until = arguments.integer("--until", 0),
                                  .progress = progress.sink(),
                                  .stop = stop.get_token()});
  }
  context.output.flush();
  if (!arguments.json()) {
    fmt::print(stderr, "turnstile: {}; --after {} goes on behind\n",
               counted(report.events, "event"), report.end.id);
  }
  return ExitCode::Done;
}

}  // namespace turnstile::cli
