#include "program.h"

#include <fmt/core.h>

#include <algorithm>
#include <exception>
#include <optional>

#include "arguments.h"
#include "context.h"
#include "failure.h"
#include "manual.h"
#include "turnstile/error.h"

namespace turnstile::cli {

namespace {

std::string help_on(const Command* command, const Group* group, const CommandTable& table) {
  return command != nullptr ? help_of(*command)
         : group != nullptr ? help_of(*group)
                            : overview(table);
}

// What people try on every program first.
std::vector<std::string> with_version_as_command(std::vector<std::string> words) {
  if (!words.empty() && (words.front() == "--version" || words.front() == "-V"))
    words.front() = "version";
  return words;
}

ExitCode run(const std::vector<std::string>& words, const CommandTable& table) {
  const Arguments arguments = Arguments::parse(words, table);
  Output output;
  ExitCode status = ExitCode::Done;
  if (arguments.has("--help")) {
    output.write(help_on(arguments.command(), arguments.group(), table));
  } else if (arguments.command() == nullptr && arguments.json()) {
    throw usage_failure("there is no command", "`turnstile help` lists them.");
  } else if (arguments.command() == nullptr) {
    fmt::print(stderr, "{}", overview(table));
    return ExitCode::Usage;
  } else {
    Interrupts interrupts(arguments.json());
    Context context{arguments, output, interrupts, table};
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
std::optional<std::string> help_for(const std::vector<std::string>& words,
                                    const CommandTable& table) {
  const auto end = std::ranges::find(words, "--");
  if (std::find(words.begin(), end, "--help") == end && std::find(words.begin(), end, "-h") == end)
    return std::nullopt;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const Group* group = table.find_group(words[i]);
    const Command* command = group == nullptr       ? table.find(words[i])
                             : i + 1 < words.size() ? table.find(full_name(*group, words[i + 1]))
                                                    : nullptr;
    if (group != nullptr || command != nullptr) return help_on(command, group, table);
  }
  return overview(table);
}

}  // namespace

ExitCode run_program(const std::vector<std::string>& words, const CommandTable& table) {
  const bool json = Arguments::asks_for_json(words);
  try {
    return run(with_version_as_command(words), table);
  } catch (const OutputClosed&) {
    return ExitCode::Done;
  } catch (const Failure& failure) {
    const auto help = help_for(words, table);
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

}  // namespace turnstile::cli
