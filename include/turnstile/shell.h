// Runs a program as a child process, with a limit of time and of output: what a scheduled job or a
// background task is when it is a command.
//
// It is not a shell: the words are the program and its arguments, and no character in them means
// anything. Who wants a shell says so: `{"sh", "-c", script}`.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <source_location>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace turnstile {

/// What to run, and how long it may take.
///
/// Threads: immutable.
struct ShellCommand {
  /// The program, looked for in the PATH of the calling process unless it has a `/`, and its
  /// arguments.
  std::vector<std::string> words{};

  /// What the program reads from its standard input, which ends after that.
  std::string input{};

  /// Names and values that are added to the environment of the calling process, or replace those of
  /// the same name in it. Read while no thread may call setenv().
  std::vector<std::pair<std::string, std::string>> environment{};

  /// The working directory; empty: that of the calling process. A program that is named relative to
  /// a directory, such as `./tool`, is relative to this one.
  std::filesystem::path directory{};

  /// How long the program may run; empty: for as long as it takes.
  std::optional<std::chrono::milliseconds> timeout{};

  /// How long the program has after SIGTERM to end by itself before SIGKILL ends it.
  std::chrono::milliseconds grace{2000};

  /// Bytes of its output that are kept: the last ones.
  std::size_t output_limit = std::size_t{64} << 10;
};

/// How a command ended.
///
/// Threads: immutable.
struct ShellOutcome {
  int exit_status = -1;    ///< 0 to 255; -1 when it did not exit by itself.
  int signal = 0;          ///< The signal that ended it; 0 when it exited by itself.
  bool timed_out = false;  ///< It was ended because ShellCommand::timeout had passed.
  bool stopped = false;    ///< It was ended, or never started, because a stop was requested.

  /// The end of what it wrote to standard output and standard error, in the order of arrival. Valid
  /// UTF-8: begins at a whole character, and each byte that belongs to none is replaced by U+FFFD.
  std::string output{};
  std::size_t output_bytes = 0;  ///< Bytes that it wrote in all.

  std::chrono::microseconds duration{0};

  /// It exited by itself, with status 0.
  [[nodiscard]] bool succeeded() const noexcept {
    return exit_status == 0 && !timed_out && !stopped;
  }
  /// One clause for a message, such as `exit status 3` or `ended by signal 9 after its time was
  /// up`.
  [[nodiscard]] std::string describe() const;
};

/// Runs `command` and returns when its program has ended. Blocks the calling thread, without using
/// the processor meanwhile.
///
/// The program gets a session, and so a process group, of its own (a Ctrl-C at the terminal does
/// not reach it), the default action of every signal, no blocked signals, and no file descriptors
/// but 0, 1 and 2. At the timeout, or when `stop` is requested, the whole group gets SIGTERM, and
/// SIGKILL when `grace` has passed and one of it still runs or holds the output open; then nothing
/// of the group is left. A process that the program leaves behind when it exits by itself goes on
/// and is not waited for; its later output is lost. One whose caller is killed goes on, too.
///
/// A program that fails is no error of the call: see ShellOutcome. Throws MisuseError
/// (COMMAND_INVALID) for words that no program can be given, Error (COMMAND_NOT_FOUND,
/// COMMAND_STATUS_LOST), StorageError (COMMAND_NOT_STARTED); but for COMMAND_STATUS_LOST nothing
/// was run then. Needs Linux 5.3.
///
/// Threads: shared.
[[nodiscard]] ShellOutcome run_shell(const ShellCommand& command, std::stop_token stop = {},
                                     std::source_location where = std::source_location::current());

/// Words as one text, for jobs and tasks that are commands: a JSON array of texts. Throws
/// MisuseError (COMMAND_INVALID) for words that are no UTF-8.
[[nodiscard]] std::string command_payload(
    const std::vector<std::string>& words,
    std::source_location where = std::source_location::current());
/// The words of such a text. Throws MisuseError (COMMAND_INVALID) for any other.
[[nodiscard]] std::vector<std::string> command_words(
    std::string_view payload, std::source_location where = std::source_location::current());

}  // namespace turnstile
