// Runs one command and turns how it ended into an exit status. All there is to say on the way out
// is said here and in failure.cc.
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <exception>
#include <optional>
#include <string>
#include <vector>

#include "arguments.h"
#include "command.h"
#include "context.h"
#include "failure.h"
#include "manual.h"
#include "turnstile/error.h"

namespace turnstile::cli {

namespace {

// A descriptor that whoever started us has closed would be given to the next file that is opened,
// and output would go into that file. Opened the wrong way round, it stays as useless as it was.
void keep_standard_descriptors() {
  for (const int descriptor : std::array{STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(descriptor, F_GETFD) < 0)
      static_cast<void>(::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY));
}

ExitCode run(const std::vector<std::string>& words) {
  const Arguments arguments = Arguments::parse(words);
  Output output;
  ExitCode status = ExitCode::Done;
  if (arguments.has("--help")) {
    output.write(arguments.command() == nullptr ? overview() : help_of(*arguments.command()));
  } else if (arguments.command() == nullptr) {
    fmt::print(stderr, "{}", overview());
    return ExitCode::Usage;
  } else {
    Interrupts interrupts(arguments.json());
    Context context{arguments, output, interrupts};
    try {
      status = arguments.command()->run(context);
    } catch (const Error& error) {
      if (!interrupts.requested()) throw;
      report_interruption(&error, arguments.json());
      return ExitCode::Interrupted;
    }
  }
  output.flush();
  return status;
}

// A word that asks for help is answered, however wrong the others are.
std::optional<std::string> help_for(const std::vector<std::string>& words) {
  if (std::ranges::find(words, "--help") == words.end() &&
      std::ranges::find(words, "-h") == words.end()) {
    return std::nullopt;
  }
  for (const std::string& word : words)
    if (const Command* command = find_command(word)) return help_of(*command);
  return overview();
}

ExitCode run_and_report(const std::vector<std::string>& words) {
  const bool json = Arguments::asks_for_json(words);
  try {
    return run(words);
  } catch (const OutputClosed&) {
    return ExitCode::Done;
  } catch (const Failure& failure) {
    const auto help = help_for(words);
    if (help && failure.code() == "USAGE") {
      fmt::print("{}", *help);
      return ExitCode::Done;
    }
    report(failure, json);
    return failure.status();
  } catch (const Error& error) {
    report(error, json);
    return exit_code_of(error);
  } catch (const std::exception& error) {
    const Failure failure(ExitCode::Storage, "UNEXPECTED", error.what(),
                          "Please report it with the message.");
    report(failure, json);
    return failure.status();
  }
}

}  // namespace

}  // namespace turnstile::cli

int main(int argc, char** argv) {
  using namespace turnstile::cli;
  keep_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);  // Writing to a closed pipe is an error code then (OutputClosed).
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  return static_cast<int>(run_and_report(words));
}
