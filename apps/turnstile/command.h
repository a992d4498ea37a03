// What a command is: its place in the one table from which the parser, the help, the manual page
// and the completions are made, so that none of them can say something else than the others.
//
// To add a command of one word: a row in commands.cc, its run function in a file of its own,
// declared below, and its section `## NAME` in docs/reference/cli.md.
//
// To add a group, `turnstile GROUP COMMAND ...`: a folder here that is named after it, with
// - commands.cc, which defines `const Group& GROUP_group() noexcept` (declare it in front of the
//   definition, nobody else does by hand): the build finds every folder that has such a file, so
//   that no list of groups has to be changed;
// - commands.h, which declares the run functions, and a file for each of them;
// and docs/reference/cli-GROUP.md, with a section `## GROUP COMMAND` each, whose examples are run
// like those of cli.md. To add a command to a group: a row, a run function, a section there.
//
// After either: `turnstile help --man > docs/reference/turnstile.1`.
#pragma once

#include <span>
#include <string_view>

#include "exit_codes.h"

namespace turnstile::cli {

struct Context;

/// What is expected in the place of a word, and what a shell should offer there. Program: the
/// words of a command line for somebody else; all that is behind `--` belongs to it. Causes and
/// Demos: of failures, and those that can be shown.
enum class Words { Any, Files, HelpTopics, Choices, Program, Causes, Demos };

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
  bool required = false;  ///< The command cannot do without it.
};

struct Example {
  std::string_view command;
  std::string_view what;
};

struct Command {
  std::string_view name;     ///< One word, or that of its group and one of its own: `task add`.
  std::string_view summary;  ///< A clause.
  std::string_view details;  ///< Paragraphs, separated by empty lines.
  std::span<const Positional> positionals;
  std::span<const Flag> flags;
  std::span<const Example> examples;
  ExitCode (*run)(Context&);
};

/// Commands whose names begin with the same word.
struct Group {
  std::string_view name;     ///< One word.
  std::string_view summary;  ///< A clause.
  std::string_view details;  ///< Paragraphs, separated by empty lines.
  std::span<const Command> commands;
};

/// The place of the database, in nearly every command.
inline constexpr Positional kDb = {"DB", "path of the database, or a file: URI", true,
                                   Words::Files};

/// The flags that every command takes.
[[nodiscard]] std::span<const Flag> global_flags() noexcept;

/// What `turnstile help` explains besides commands.
[[nodiscard]] std::span<const std::string_view> help_topics() noexcept;

// One file for each.
[[nodiscard]] ExitCode run_backup(Context& context);
[[nodiscard]] ExitCode run_bench(Context& context);
[[nodiscard]] ExitCode run_checkpoint(Context& context);
[[nodiscard]] ExitCode run_completions(Context& context);
[[nodiscard]] ExitCode run_demo(Context& context);
[[nodiscard]] ExitCode run_doctor(Context& context);
[[nodiscard]] ExitCode run_exec(Context& context);
[[nodiscard]] ExitCode run_explain(Context& context);
[[nodiscard]] ExitCode run_help(Context& context);
[[nodiscard]] ExitCode run_info(Context& context);
[[nodiscard]] ExitCode run_init(Context& context);
[[nodiscard]] ExitCode run_locks(Context& context);
[[nodiscard]] ExitCode run_migrate(Context& context);
[[nodiscard]] ExitCode run_optimize(Context& context);
[[nodiscard]] ExitCode run_query(Context& context);
[[nodiscard]] ExitCode run_recover(Context& context);
[[nodiscard]] ExitCode run_restore(Context& context);
[[nodiscard]] ExitCode run_serve(Context& context);
[[nodiscard]] ExitCode run_top(Context& context);
[[nodiscard]] ExitCode run_torture(Context& context);
[[nodiscard]] ExitCode run_vacuum(Context& context);
[[nodiscard]] ExitCode run_verify(Context& context);
[[nodiscard]] ExitCode run_version(Context& context);
[[nodiscard]] ExitCode run_watch(Context& context);

}  // namespace turnstile::cli
