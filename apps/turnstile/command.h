// What a command is: its place in the one table from which the parser, the help, the manual page
// and the completions are made, so that none of them can say something else than the others.
#pragma once

#include <span>
#include <string_view>

#include "exit_codes.h"

namespace turnstile::cli {

struct Context;

/// What a shell should offer where a word is expected.
enum class Words { Any, Files, Commands, HelpTopics, Choices };

/// A word without a flag, such as DB.
struct Positional {
  std::string_view name;
  std::string_view help;
  bool required = true;
  Words words = Words::Any;
  std::span<const std::string_view> choices = {};  ///< With Words::Choices: the only ones allowed.
  bool repeats = false;                            ///< The last one only: all further words too.
};

/// `--name`, `--name VALUE` or `--name=VALUE`; with a letter also `-n VALUE` and `-nVALUE`.
struct Flag {
  std::string_view name;   ///< With its dashes.
  std::string_view value;  ///< What the value is called; empty for a switch.
  std::string_view help;
  char letter = '\0';
  bool repeats = false;
  Words words = Words::Any;
  std::span<const std::string_view> choices = {};
};

struct Example {
  std::string_view command;
  std::string_view what;
};

struct Command {
  std::string_view name;
  std::string_view summary;  ///< A clause.
  std::string_view details;  ///< Paragraphs, separated by empty lines.
  std::span<const Positional> positionals;
  std::span<const Flag> flags;
  std::span<const Example> examples;
  ExitCode (*run)(Context&);
};

/// All commands, in the order in which the help lists them.
[[nodiscard]] std::span<const Command> commands() noexcept;

/// The flags that every command takes.
[[nodiscard]] std::span<const Flag> global_flags() noexcept;

/// Null when there is none of that name.
[[nodiscard]] const Command* find_command(std::string_view name) noexcept;

/// What `turnstile help` explains besides commands.
[[nodiscard]] std::span<const std::string_view> help_topics() noexcept;

// One file for each.
[[nodiscard]] ExitCode run_backup(Context& context);
[[nodiscard]] ExitCode run_checkpoint(Context& context);
[[nodiscard]] ExitCode run_completions(Context& context);
[[nodiscard]] ExitCode run_exec(Context& context);
[[nodiscard]] ExitCode run_help(Context& context);
[[nodiscard]] ExitCode run_info(Context& context);
[[nodiscard]] ExitCode run_init(Context& context);
[[nodiscard]] ExitCode run_locks(Context& context);
[[nodiscard]] ExitCode run_migrate(Context& context);
[[nodiscard]] ExitCode run_optimize(Context& context);
[[nodiscard]] ExitCode run_query(Context& context);
[[nodiscard]] ExitCode run_recover(Context& context);
[[nodiscard]] ExitCode run_restore(Context& context);
[[nodiscard]] ExitCode run_vacuum(Context& context);
[[nodiscard]] ExitCode run_verify(Context& context);
[[nodiscard]] ExitCode run_version(Context& context);
[[nodiscard]] ExitCode run_watch(Context& context);

}  // namespace turnstile::cli
