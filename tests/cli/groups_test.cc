// Commands of two words, with a table of the test's own: what the program does with the words, and
// what it says of them.
#include <array>
#include <fstream>

#include "arguments.h"
#include "cli/cli_test.h"
#include "completions.h"
#include "context.h"
#include "failure.h"
#include "manual.h"
#include "program.h"

namespace turnstile::test {
namespace {

using cli::Words;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// Prints what it was given.
cli::ExitCode run_echo(cli::Context& context) {
  const cli::Arguments& arguments = context.arguments;
  context.output.write(std::string(arguments.command()->name));
  for (const cli::Positional& positional : arguments.command()->positionals)
    for (const std::string& word : arguments.positionals(positional.name))
      context.output.write(" " + std::string(positional.name) + "=" + word);
  for (const cli::Flag& flag : arguments.command()->flags)
    if (const auto value = arguments.value(flag.name))
      context.output.write(" " + std::string(flag.name) + "=" + *value);
  context.output.write(arguments.json() ? " --json\n" : "\n");
  return cli::ExitCode::Done;
}

constexpr auto kStates = std::to_array<std::string_view>({"open", "done"});
constexpr auto kDbOnly = std::to_array<cli::Positional>({cli::kDb});
constexpr auto kAddPositionals = std::to_array<cli::Positional>({
    cli::kDb,
    {"COMMAND", "what is run", true, Words::Program, {}, true},
});
constexpr auto kAddFlags = std::to_array<cli::Flag>({
    {"--queue", "QUEUE", "the queue", 'q'},
});
constexpr auto kListFlags = std::to_array<cli::Flag>({
    {"--state", "STATE", "only these", '\0', false, Words::Choices, kStates},
    {"--quiet", "", "only count", 'q'},
});
constexpr auto kAddExamples = std::to_array<cli::Example>({
    {"turnstile task add app.db -- make", "one task"},
});

constexpr auto kTaskCommands = std::to_array<cli::Command>({
    {"task add", "put a command into a queue", "", kAddPositionals, kAddFlags, kAddExamples,
     run_echo},
    {"task list", "show the tasks", "", kDbOnly, kListFlags, {}, run_echo},
});
constexpr auto kLogCommands = std::to_array<cli::Command>({
    {"log list", "show the log", "", kDbOnly, {}, {}, run_echo},
});
constexpr cli::Group kTask = {"task", "queues of commands", "They outlive processes.",
                              kTaskCommands};
constexpr cli::Group kLog = {"log", "what happened", "", kLogCommands};
constexpr auto kGroups = std::to_array<const cli::Group*>({&kLog, &kTask});

constexpr auto kTopic = std::to_array<cli::Positional>(
    {{"TOPIC", "what to explain", false, Words::HelpTopics, {}, true}});
constexpr auto kSingles = std::to_array<cli::Command>({
    {"list", "show all", "", kDbOnly, {}, {}, run_echo},
    {"help", "explain", "", kTopic, {}, {}, cli::run_help},
});

const cli::CommandTable& table() {
  static const cli::CommandTable table(kSingles, kGroups);
  return table;
}

CliResult run(const std::vector<std::string>& words) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  CliResult result;
  result.status = static_cast<int>(cli::run_program(words, table()));
  result.out = testing::internal::GetCapturedStdout();
  result.err = testing::internal::GetCapturedStderr();
  return result;
}

TEST(CliGroups, RunTheCommandOfTheTwoWords) {
  EXPECT_EQ(run({"task", "list", "a.db"}).out, "task list DB=a.db\n");
  EXPECT_EQ(run({"log", "list", "a.db"}).out, "log list DB=a.db\n");
  EXPECT_EQ(run({"list", "a.db"}).out, "list DB=a.db\n");
  EXPECT_EQ(run({"list", "task"}).out, "list DB=task\n");
}

TEST(CliGroups, TakeFlagsAnywhere) {
  EXPECT_EQ(run({"--json", "task", "list", "a.db"}).out, "task list DB=a.db --json\n");
  EXPECT_EQ(run({"task", "--json", "list", "a.db", "--state", "open"}).out,
            "task list DB=a.db --state=open --json\n");
}

TEST(CliGroups, LeaveTheWordsBehindTwoDashesToTheLastPlace) {
  EXPECT_EQ(run({"task", "add", "a.db", "--queue", "q", "--", "make", "-j2", "all"}).out,
            "task add DB=a.db COMMAND=make COMMAND=-j2 COMMAND=all --queue=q\n");
  EXPECT_EQ(run({"task", "add", "-qq", "a.db", "--", "make", "--help", "--", "--json"}).out,
            "task add DB=a.db COMMAND=make COMMAND=--help COMMAND=-- COMMAND=--json --queue=q\n");
  EXPECT_EQ(run({"task", "add", "a.db", "make", "all"}).out,
            "task add DB=a.db COMMAND=make COMMAND=all\n");
  EXPECT_EQ(run({"--", "task", "add", "-a.db", "make", "-j2"}).out,
            "task add DB=-a.db COMMAND=make COMMAND=-j2\n");
}

struct Misuse {
  std::vector<std::string> words;
  std::string message;
  std::string hint;
};

TEST(CliGroups, SayWhatIsWrongWithTheCommandLine) {
  const std::vector<Misuse> misuses = {
      {{"task"}, "task needs one of its commands: add, list\n", "`turnstile help task`"},
      {{"tsak", "add"}, "there is no command 'tsak'\n", "Did you mean task? `turnstile help`"},
      {{"task", "lsit"},
       "task has no command 'lsit'\n",
       "Did you mean list? `turnstile help task` lists"},
      {{"add", "a.db"}, "there is no command 'add'\n", "Did you mean task add?"},
      {{"task", "list"}, "task list needs DB: ", "`turnstile help task list` explains it."},
      {{"task", "add", "a.db", "--"}, "task add needs COMMAND: ", ""},
      {{"task", "add", "--", "make", "all"}, "task add needs DB: ", ""},
      {{"task", "add", "a.db", "make", "-j2"},
       "task add has no flag -j\n",
       "Put -- before COMMAND. `turnstile help task add`"},
      {{"task", "list", "a.db", "b.db"}, "task list has no use for the word 'b.db'\n", ""},
      {{"task", "--state", "open", "list"}, "there is no flag --state before the command\n", ""},
      {{"help", "task", "lsit"}, "there is no help on 'task lsit'\n", "Did you mean task list?"},
      {{"task", "add", "--", "make", "--help"}, "task add needs DB: ", ""},
  };
  for (const Misuse& misuse : misuses) {
    const CliResult result = run(misuse.words);
    EXPECT_EQ(result.status, 3) << misuse.message;
    EXPECT_EQ(result.out, "");
    EXPECT_THAT(result.err, HasSubstr("turnstile: " + misuse.message));
    EXPECT_THAT(result.err, HasSubstr("hint: " + misuse.hint));
  }
}

TEST(CliGroups, AreExplainedWhereverHelpIsAsked) {
  const std::vector<std::vector<std::string>> of_group = {
      {"help", "task"}, {"task", "--help"}, {"--help", "task"}, {"task", "nonsense", "-h"}};
  for (const std::vector<std::string>& words : of_group) {
    const CliResult result = run(words);
    EXPECT_EQ(result.status, 0);
    EXPECT_THAT(result.out, AllOf(HasSubstr("usage: turnstile task COMMAND ...\n"),
                                  HasSubstr("\nThey outlive processes.\n"),
                                  HasSubstr("\n  add   put a command into a queue\n")));
  }
  const std::vector<std::vector<std::string>> of_command = {{"help", "task", "add"},
                                                            {"task", "add", "--help"},
                                                            {"task", "--help", "add"},
                                                            {"task", "add", "--nonsense", "-h"}};
  for (const std::vector<std::string>& words : of_command) {
    const CliResult result = run(words);
    EXPECT_EQ(result.status, 0);
    EXPECT_THAT(result.out, HasSubstr("usage: turnstile task add DB [-q QUEUE] -- COMMAND...\n"));
  }
}

TEST(CliGroups, AreALineEachInTheOverview) {
  const std::string overview = run({"help"}).out;
  EXPECT_THAT(overview, HasSubstr("\ngroups of commands:\n"
                                  "  log   what happened\n"
                                  "  task  queues of commands\n\n"));
  EXPECT_THAT(overview, Not(HasSubstr("put a command into a queue")));
}

TEST(CliGroups, HaveASectionForEachCommandInTheManualPage) {
  const std::string page = cli::man_page(table());
  EXPECT_THAT(page, HasSubstr(".SS task\n.B turnstile task COMMAND ...\n.PP\n"
                              "Queues of commands.\n.PP\nThey outlive processes.\n.SS task add\n"));
  EXPECT_THAT(page, HasSubstr(".SS log list\n"));
}

TEST(CliDurations, MayBeLongerThanADayWhereACommandSaysSo) {
  using std::chrono::hours;
  using std::chrono::milliseconds;
  using std::chrono::minutes;
  using std::chrono::seconds;
  constexpr hours kYear(24 * 365);
  EXPECT_EQ(cli::parse_duration("250ms", kYear), milliseconds(250));
  EXPECT_EQ(cli::parse_duration("90s", kYear), seconds(90));
  EXPECT_EQ(cli::parse_duration("15m", kYear), minutes(15));
  EXPECT_EQ(cli::parse_duration("2h", kYear), hours(2));
  EXPECT_EQ(cli::parse_duration("7d", kYear), hours(7 * 24));
  EXPECT_EQ(cli::parse_duration("365d", kYear), kYear);
  for (const char* wrong : {"366d", "8761h", "1w", "7", "-1d", "9223372036854775807d"})
    EXPECT_EQ(cli::parse_duration(wrong, kYear), std::nullopt) << wrong;
  EXPECT_EQ(cli::parse_duration("24h"), hours(24));
  EXPECT_EQ(cli::parse_duration("25h"), std::nullopt);
}

TEST(CliDurations, AreReadFromAFlagAndTheirLimitIsNamed) {
  const auto queue = [](const char* text) {
    return cli::Arguments::parse({"task", "add", "a.db", "--queue", text, "x"}, table())
        .duration("--queue", std::chrono::hours(30 * 24));
  };
  EXPECT_EQ(queue("2d"), std::chrono::hours(48));
  try {
    static_cast<void>(queue("31d"));
    ADD_FAILURE() << "31d is refused";
  } catch (const cli::Failure& failure) {
    EXPECT_EQ(failure.message(), "'31d' is no time for --queue");
    EXPECT_THAT(failure.hint(), HasSubstr("The longest is 30d."));
  }
}

TEST(CliIntegers, AreReadFromAFlagAndTheirLimitsAreNamed) {
  const auto queue = [](const char* text) {
    return cli::Arguments::parse({"task", "add", "a.db", "--queue", text, "x"}, table())
        .integer("--queue", -1, 20);
  };
  EXPECT_EQ(queue("-1"), -1);
  EXPECT_EQ(queue("20"), 20);
  for (const char* wrong : {"-2", "21", "", "x", "1x", "+1", " 1", "99999999999999999999"}) {
    try {
      static_cast<void>(queue(wrong));
      ADD_FAILURE() << wrong;
    } catch (const cli::Failure& failure) {
      EXPECT_EQ(failure.hint(), "Write a whole number from -1 to 20.");
    }
  }
}

/// What bash offers after `words`, of which the last one is being typed.
std::vector<std::string> completions(const std::vector<std::string>& words) {
  const TempDir directory;
  std::ofstream(directory.file("script")) << cli::bash_script(table());
  std::string list;
  for (const std::string& word : words)
    list += "'" + word + "' ";
  const ProgramResult result = run_in_shell(
      directory.path().string(),
      "bash -c 'source ./script; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); _turnstile; "
      "printf \"%s\\n\" \"${COMPREPLY[@]}\"' bash turnstile " +
          list);
  EXPECT_EQ(result.status, 0) << result.output;
  return lines_of(result.output);
}

TEST(CliGroups, AreCompletedByBash) {
  EXPECT_THAT(completions({""}), ElementsAre("list", "help", "log", "task"));
  EXPECT_THAT(completions({"task", ""}), ElementsAre("add", "list"));
  EXPECT_THAT(completions({"--timeout", "5s", "task", "--json", "l"}), ElementsAre("list"));
  EXPECT_THAT(completions({"task", "list", "--st"}), ElementsAre("--state"));
  EXPECT_THAT(completions({"task", "list", "a.db", "--state", ""}), ElementsAre("open", "done"));
  EXPECT_THAT(completions({"log", "list", "a.db", "--st"}), ElementsAre(""));
  EXPECT_THAT(completions({"task", "list", "s"}), ElementsAre("script"));
  EXPECT_THAT(completions({"help", "task", "a"}), ElementsAre("add"));
  EXPECT_THAT(completions({"help", "ta"}), ElementsAre("task"));
}

// -q has a value in one command of the group and none in the other.
TEST(CliGroups, TellBashWhichFlagsOfACommandHaveAValue) {
  EXPECT_THAT(completions({"task", "list", "-q", "s"}), ElementsAre("script"));
  EXPECT_THAT(completions({"task", "add", "-q", "s"}), ElementsAre(""));
}

TEST(CliGroups, LetBashCompleteAProgramBehindTwoDashes) {
  EXPECT_THAT(completions({"task", "add", "a.db", "-q", "x", "--", "bas"}),
              testing::Contains("bash"));
  EXPECT_THAT(completions({"task", "add", "a.db", "--", "cat", "--queue", "scr"}),
              testing::Contains("script"));
}

TEST(CliGroups, AreKnownToTheOtherShells) {
  const std::string zsh = cli::zsh_script(table());
  EXPECT_THAT(zsh, AllOf(HasSubstr("_turnstile_task() {\n"), HasSubstr("'task:queues of commands'"),
                         HasSubstr("    task)\n      _turnstile_task ;;\n"),
                         HasSubstr("'add:put a command into a queue'"),
                         HasSubstr("((CURRENT -= dashes))"), HasSubstr("'*::COMMAND: _normal'")));
  const std::string fish = cli::fish_script(table());
  EXPECT_THAT(fish, AllOf(HasSubstr("-n '__turnstile_at \"\"' -a task -d 'queues of commands'"),
                          HasSubstr("-n '__turnstile_at \"task\"' -a add -d "),
                          HasSubstr("-n '__turnstile_at \"task add\"' -l queue -s q"),
                          HasSubstr("contains -- \"$command\" log task\n")));
}

}  // namespace
}  // namespace turnstile::test
