// What ends a command early, and how it is told to people and to programs.
#pragma once

#include <array>
#include <exception>
#include <string>
#include <string_view>

#include "exit_codes.h"
#include "turnstile/error.h"

namespace turnstile::cli {

/// A failure that the program itself found. Threads: immutable.
class Failure : public std::exception {
 public:
  Failure(ExitCode status, std::string_view code, std::string message, std::string hint);

  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }
  [[nodiscard]] ExitCode status() const noexcept { return status_; }
  [[nodiscard]] std::string_view code() const noexcept { return code_; }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }
  [[nodiscard]] const std::string& hint() const noexcept { return hint_; }

 private:
  ExitCode status_;
  std::string_view code_;
  std::string message_;
  std::string hint_;
};

/// A command line that cannot be understood: exit status 3.
[[nodiscard]] Failure usage_failure(std::string message, std::string hint);

/// The reader of standard output has gone away (`| head`). Nothing is wrong; the command ends.
class OutputClosed : public std::exception {};

/// The codes that the program adds to turnstile::error_codes().
inline constexpr auto kProgramCodes = std::to_array<ErrorCodeInfo>({
    {"DEMO_NOT_FOUND", "There is no demonstration of that name.",
     "See the list that `turnstile demo` prints."},
    {"INPUT_NOT_FOUND", "A file named on the command line does not exist.", "Check the path."},
    {"INPUT_UNREADABLE", "A file or standard input could not be read.",
     "The cause is in the message."},
    {"ITEM_NOT_FOUND", "The collection has no item of that id.", "Check the id."},
    {"JOB_NOT_FOUND", "The database has no job of that name.", "Check the name."},
    {"OUTPUT_FAILED", "Standard output could not be written.",
     "Free space, or send the output elsewhere."},
    {"PORT_UNAVAILABLE", "The port to listen on could not be had.",
     "Take another one with --port, or --port 0 for any that is free."},
    {"TABLE_NOT_FOUND", "The database has no table of that name.", "Check the name."},
    {"UNEXPECTED", "The program met something that it has no name for.",
     "Please report it with the message."},
    {"USAGE", "The command line cannot be understood.", "See `turnstile help`."},
    {"WORDS_NOT_UNDERSTOOD", "The words name no result code, message or cause.",
     "Give the code or the message as it was logged."},
});

/// Tells standard error what happened: a sentence and a hint, or one JSON object.
void report(const Failure& failure, bool json);
void report(const Error& error, bool json);
/// Tells of a command that a signal ended. `error` is what the library threw then, or null.
void report_interruption(const Error* error, bool json);

/// Whether a text was refused because it has a second statement behind the first.
[[nodiscard]] bool is_second_statement(const Error& error) noexcept;

/// Something worth knowing that is no failure, on standard error.
void report_warning(std::string_view code, std::string_view message, bool json);

}  // namespace turnstile::cli
