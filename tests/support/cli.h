// The program `turnstile` itself, run as a user would run it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/child_process.h"
#include "support/temp_dir.h"

namespace turnstile::test {

struct CliResult {
  int status = 0;
  std::string out;
  std::string err;
};

/// A run that is going on. Its signals have their default meaning, whatever the test was started
/// with, and it speaks to no terminal.
///
/// Threads: confined.
class CliRun {
 public:
  /// `settings` are `NAME=VALUE` for its environment.
  explicit CliRun(const std::vector<std::string>& arguments,
                  const std::vector<std::string>& settings = {});

  [[nodiscard]] ChildProcess& process() noexcept { return process_; }
  /// Ends its input and waits for its end.
  [[nodiscard]] CliResult finish();

 private:
  TempDir directory_;  // Standard error goes to a file in it.
  ChildProcess process_;
};

/// Runs it to its end with `input` as standard input.
[[nodiscard]] CliResult run_cli(const std::vector<std::string>& arguments,
                                std::string_view input = {},
                                const std::vector<std::string>& settings = {});

/// Runs a command line of sh in `directory`, where `turnstile` is in PATH; standard error is among
/// the output.
[[nodiscard]] ProgramResult run_in_shell(const std::string& directory, const std::string& command);

[[nodiscard]] std::vector<std::string> lines_of(std::string_view text);

}  // namespace turnstile::test
