#include <algorithm>
#include <filesystem>
#include <iterator>
#include <map>

#include "cli/cli_test.h"
#include "support/files.h"
#include "support/place_of.h"
#include "turnstile/error.h"
#include "turnstile/version.h"

namespace turnstile::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

TEST(CliUsage, ExplainsItselfWithoutArguments) {
  const CliResult result = run_cli({});
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, AllOf(StartsWith("turnstile: "), HasSubstr("usage: turnstile COMMAND"),
                                HasSubstr("\n  query ")));
}

TEST(CliUsage, AnswersHelpAnywhere) {
  const std::vector<std::vector<std::string>> general = {
      {"--help"}, {"-h"}, {"help"}, {"--json", "--help"}};
  for (const std::vector<std::string>& arguments : general) {
    const CliResult result = run_cli(arguments);
    EXPECT_EQ(result.status, 0);
    EXPECT_EQ(result.err, "");
    EXPECT_THAT(result.out, HasSubstr("usage: turnstile COMMAND"));
  }
  const std::vector<std::vector<std::string>> of_query = {
      {"query", "--help"},
      {"help", "query"},
      {"--help", "query"},
      {"query", "a.db", "-h"},
      {"query", "a.db", "SELECT 1", "--nonsense", "--help"},
      {"query", "a", "b", "c", "--help"}};
  for (const std::vector<std::string>& arguments : of_query) {
    const CliResult result = run_cli(arguments);
    EXPECT_EQ(result.status, 0);
    EXPECT_EQ(result.err, "");
    EXPECT_THAT(result.out, HasSubstr("usage: turnstile query DB SQL [-p NAME=VALUE]... [--format "
                                      "table|json|csv|lines]"));
  }
}

struct MisusedCall {
  std::vector<std::string> arguments;
  std::string message;
  std::string hint;
};

TEST(CliUsage, SaysWhatIsWrongWithTheCommandLine) {
  const std::vector<MisusedCall> misuses = {
      {{"qurey", "a.db"}, "there is no command 'qurey'", "Did you mean query?"},
      {{"watermelon"}, "there is no command 'watermelon'", "`turnstile help` lists the commands."},
      {{"help", "quer"}, "there is no help on 'quer'", "Did you mean query?"},
      {{"query", "a.db", "SELECT 1", "--fromat", "csv"},
       "query has no flag --fromat",
       "Did you mean --format?"},
      {{"--formt", "query"}, "there is no flag --formt before the command", ""},
      {{"query", "a.db", "SELECT 1", "-x"}, "query has no flag -x", ""},
      {{"query"}, "query needs DB", "`turnstile help query` explains it."},
      {{"query", "a.db"}, "query needs SQL", "`turnstile help query` explains it."},
      {{"query", "a.db", "SELECT", "1"}, "query has no use for the word '1'", "Quote words"},
      {{"query", "a.db", "SELECT 1", "--format"}, "the flag --format needs a value", ""},
      {{"query", "a.db", "SELECT 1", "--format", "cvs"},
       "'cvs' is no value for --format",
       "Did you mean csv? It is one of: table, json, csv, lines."},
      {{"query", "a.db", "SELECT 1", "--format=csv", "--format=csv"},
       "the flag --format is given twice",
       ""},
      {{"query", "a.db", "SELECT 1", "--json=yes"}, "the flag --json takes no value", ""},
      {{"query", "a.db", "SELECT 1", "--format", "csv", "--json"}, "contradict each other", ""},
      {{"completions", "tcsh"}, "'tcsh' is no value for SHELL", "bash, zsh, fish"},
  };
  for (const MisusedCall& misuse : misuses) {
    const CliResult result = run_cli(misuse.arguments);
    const std::vector<std::string> lines = lines_of(result.err);
    EXPECT_EQ(result.status, 3) << misuse.message;
    EXPECT_EQ(result.out, "");
    if (misuse.arguments.back() == "--json") {
      EXPECT_THAT(error_of(result).at("message").get<std::string>(), HasSubstr(misuse.message));
      EXPECT_EQ(error_of(result).at("code"), "USAGE");
      continue;
    }
    ASSERT_EQ(lines.size(), 2U) << result.err;
    EXPECT_THAT(lines.at(0), StartsWith("turnstile: "));
    EXPECT_THAT(lines.at(0), HasSubstr(misuse.message));
    EXPECT_THAT(lines.at(1), StartsWith("hint: "));
    EXPECT_THAT(lines.at(1), HasSubstr(misuse.hint));
  }
}

TEST(CliUsage, TakesTimesWithTheirUnit) {
  const auto status = [](const std::string& time) {
    return run_cli({"query", ":memory:", "SELECT 1", "--timeout", time}).status;
  };
  for (const char* right : {"0ms", "250ms", "5s", "2m", "1440m", "5h", "1d"})
    EXPECT_EQ(status(right), 0) << right;
  for (const char* wrong : {"5", "", "s", "-5s", "1.5s", "5 s", "25h", "2d", "1441m", "5ss", "+5s",
                            "99999999999999999999ms", "9223372036854775807m"}) {
    EXPECT_EQ(status(wrong), 3) << wrong;
  }
  EXPECT_THAT(run_cli({"--timeout", "5", "version"}).err,
              HasSubstr("hint: Write a whole number and its unit (ms, s, m, h or d), such as 250ms "
                        "or 5s. The longest is 1d."));
}

TEST(CliUsage, TellsTheVersionAsOtherProgramsDo) {
  const CliResult command = run_cli({"version"});
  for (const char* flag : {"--version", "-V"})
    EXPECT_EQ(run_cli({flag}).out, command.out) << flag;
}

TEST(CliUsage, TellsProgramsInJsonThatThereIsNoCommand) {
  const CliResult result = run_cli({"--json"});
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(error_of(result).at("code"), "USAGE");
}

TEST(CliUsage, TellsFlagsFromWords) {
  const auto value = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--format", "csv"});
    return run_cli(arguments).out;
  };
  EXPECT_EQ(value({"--timeout", "5s", "query", ":memory:", "-- a comment\nSELECT 1 AS a"}),
            "a\r\n1\r\n");
  EXPECT_EQ(run_cli({"query", "--format", "csv", "--", ":memory:", "--x\nSELECT 1 AS a"}).out,
            "a\r\n1\r\n");
  EXPECT_EQ(value({"query", ":memory:", "SELECT :a AS a", "-p", "a=--json"}), "a\r\n--json\r\n");
  EXPECT_EQ(value({"query", ":memory:", "SELECT :a AS a", "-pa=-1"}), "a\r\n-1\r\n");
  EXPECT_EQ(value({"query", ":memory:", "SELECT :a AS a", "--param=a=b=c"}), "a\r\nb=c\r\n");
}

// The project's statement of what each status means.
const std::map<int, std::string>& exit_codes() {
  static const std::map<int, std::string> kMeanings = {
      {0, "done"},
      {1, "done, but the answer is \"no\" or findings are warnings"},
      {2, "findings are errors, or verification failed"},
      {3, "bad usage or bad input"},
      {4, "not found"},
      {5, "timed out waiting; the holder is named"},
      {6, "storage error: full, I/O, permission, corrupt"},
      {7, "wrong password or locked vault"},
      {130, "interrupted"},
  };
  return kMeanings;
}

std::string reference(const std::string& name) {
  const std::filesystem::path tests(place_of::tests());
  return (tests.parent_path() / "docs" / "reference" / name).string();
}

TEST(CliHelp, PrintsTheTableOfExitCodesThatIsPromised) {
  std::map<int, std::string> printed;
  for (const Json& entry : Json::parse(run_cli({"help", "exit-codes", "--json"}).out))
    printed[entry.at("status").get<int>()] = entry.at("meaning").get<std::string>();
  EXPECT_EQ(printed, exit_codes());
  const std::string table = run_cli({"help", "exit-codes"}).out;
  const std::string document = read_file(reference("cli.md"));
  for (const auto& [status, meaning] : exit_codes()) {
    EXPECT_THAT(table, HasSubstr(std::to_string(status) + "  " + meaning + "\n"));
    EXPECT_THAT(document, HasSubstr("| " + std::to_string(status) + " | " + meaning + " |\n"));
  }
}

TEST(CliHelp, PrintsEveryErrorCode) {
  const Json codes = Json::parse(run_cli({"help", "errors", "--json"}).out);
  EXPECT_GT(codes.size(), error_codes().size());
  const std::string text = run_cli({"help", "errors"}).out;
  for (std::size_t i = 0; i < error_codes().size(); ++i) {
    const ErrorCodeInfo& info = error_codes()[i];
    EXPECT_EQ(codes.at(i).at("code").get<std::string>(), info.code);
    EXPECT_EQ(codes.at(i).at("hint").get<std::string>(), info.hint);
    EXPECT_THAT(text, HasSubstr(std::string(info.code) + "\n  " + std::string(info.meaning)));
  }
}

/// The first words of the lines that follow `heading` in what `turnstile` prints for `words`.
std::vector<std::string> listed(const std::vector<std::string>& words, std::string_view heading) {
  std::vector<std::string> names;
  bool inside = false;
  for (const std::string& line : lines_of(run_cli(words).out)) {
    if (inside && line.empty()) break;
    if (inside) names.push_back(line.substr(2, line.find(' ', 2) - 2));
    inside = inside || line == heading;
  }
  return names;
}

std::vector<std::string> groups() {
  return listed({"help"}, "groups of commands:");
}

/// The commands of one word.
std::vector<std::string> single_commands() {
  return listed({"help"}, "commands:");
}

/// The names of all commands, as the overview and the help of each group list them.
std::vector<std::string> commands() {
  std::vector<std::string> names = single_commands();
  for (const std::string& group : groups())
    for (const std::string& word : listed({"help", group}, "commands:"))
      names.push_back(group + " " + word);
  return names;
}

/// `name` has one word or two.
std::vector<std::string> words_of(const std::string& name) {
  const std::size_t space = name.find(' ');
  if (space == std::string::npos) return {name};
  return {name.substr(0, space), name.substr(space + 1)};
}

CliResult help_on(const std::string& command) {
  std::vector<std::string> words = words_of(command);
  words.insert(words.begin(), "help");
  return run_cli(words);
}

/// The flags that the help of a command explains under the heading.
std::vector<std::string> flags_of(const std::string& command, std::string_view heading) {
  std::vector<std::string> flags;
  bool inside = false;
  for (const std::string& line : lines_of(help_on(command).out)) {
    if (!line.starts_with("  ")) inside = line == heading;
    const std::size_t start = line.find("--");
    if (inside && start <= 6) flags.push_back(line.substr(start, line.find(' ', start) - start));
  }
  return flags;
}

std::vector<std::string> own_flags_of(const std::string& command) {
  return flags_of(command, "flags:");
}
std::vector<std::string> common_flags_of(const std::string& command) {
  return flags_of(command, "flags of every command:");
}
std::vector<std::string> all_flags_of(const std::string& command) {
  std::vector<std::string> flags = own_flags_of(command);
  std::ranges::copy(common_flags_of(command), std::back_inserter(flags));
  return flags;
}

TEST(CliHelp, ExplainsEveryCommandInTheReferenceToo) {
  EXPECT_THAT(single_commands(), testing::SizeIs(testing::Ge(17)));
  const std::string conventions = read_file(reference("cli.md"));
  for (const std::string& command : commands()) {
    const bool is_single = words_of(command).size() == 1;
    const std::string document =
        read_file(reference(is_single ? "cli.md" : "cli-" + words_of(command).front() + ".md"));
    const CliResult help = help_on(command);
    EXPECT_EQ(help.status, 0);
    EXPECT_THAT(help.out, StartsWith("turnstile " + command + ": "));
    EXPECT_THAT(document, HasSubstr("\n## " + command + "\n"));
    for (const std::string& flag : own_flags_of(command))
      EXPECT_THAT(document, HasSubstr("`" + flag)) << command;
    EXPECT_THAT(common_flags_of(command), Contains("--timeout"));
    for (const std::string& flag : common_flags_of(command))
      EXPECT_THAT(conventions, HasSubstr("`" + flag));
  }
}

// A text with line feeds of its own would be broken twice.
TEST(CliHelp, FillsTheLinesOfItsParagraphs) {
  std::vector<std::string> topics = commands();
  for (const std::string& group : groups())
    topics.push_back(group);
  for (const std::string& topic : topics) {
    std::string former;
    for (const std::string& line : lines_of(help_on(topic).out)) {
      const bool goes_on =
          !former.empty() && !line.empty() && line.front() != ' ' && former.front() != ' ';
      if (goes_on) {
        EXPECT_GT(former.size() + 1 + line.substr(0, line.find(' ')).size(), 80U)
            << topic << ": " << former;
      }
      former = line;
    }
  }
}

TEST(CliHelp, KeepsTheManualPageInStep) {
  const CliResult result = run_cli({"help", "--man"});
  EXPECT_EQ(result.status, 0);
  EXPECT_EQ(read_file(reference("turnstile.1")), result.out)
      << "run `turnstile help --man > docs/reference/turnstile.1`";
}

// WAL-11: the program says which engine it has.
TEST(CliVersion, TellsTheVersionsOfTheProgramAndItsEngine) {
  const CliResult result = run_cli({"version", "--json"}, {}, {"TURNSTILE_VEC0="});
  EXPECT_EQ(result.status, 0);
  const Json version = Json::parse(result.out);
  EXPECT_EQ(version.at("version").get<std::string>(), kVersion);
  const Json& engine = version.at("engine");
  EXPECT_THAT(engine.at("version").get<std::string>(), StartsWith("3."));
  EXPECT_THAT(engine.at("source_id").get<std::string>(), StartsWith("20"));
  EXPECT_THAT(engine.at("compile_options").get<std::vector<std::string>>(),
              Contains("THREADSAFE=2"));
  EXPECT_TRUE(version.at("sqlite_vec").is_null());
  EXPECT_THAT(run_cli({"version"}).out, HasSubstr("turnstile   " + std::string(kVersion) + "\n"));
}

#ifdef TURNSTILE_TEST_VEC0
TEST(CliVersion, TellsTheVersionOfSqliteVec) {
  const std::string setting = std::string("TURNSTILE_VEC0=") + place_of::vec0();
  const CliResult result = run_cli({"version", "--json"}, {}, {setting});
  EXPECT_THAT(Json::parse(result.out).at("sqlite_vec").get<std::string>(), StartsWith("v0."));
  EXPECT_EQ(result.err, "");
}
#endif

TEST(CliVersion, WarnsWhenSqliteVecCannotBeLoaded) {
  const CliResult result = run_cli({"version", "--json"}, {}, {"TURNSTILE_VEC0=/nowhere/vec0.so"});
  EXPECT_EQ(result.status, 0);
  EXPECT_TRUE(Json::parse(result.out).at("sqlite_vec").is_null());
  EXPECT_EQ(Json::parse(result.err).at("warning").at("code"), "EXTENSION_FAILED");
}

/// What bash offers after `words`, of which the last one is being typed.
std::vector<std::string> shell_completions(const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words)
    list += "'" + word + "' ";
  const ProgramResult result = run_in_shell(
      "/",
      "bash -c 'source <(turnstile completions bash); COMP_WORDS=(\"$@\"); "
      "COMP_CWORD=$(($# - 1)); _turnstile; printf \"%s\\n\" \"${COMPREPLY[@]}\"' bash " +
          list);
  EXPECT_EQ(result.status, 0) << result.output;
  return lines_of(result.output);
}

TEST(CliCompletions, OfferBashWhatFits) {
  std::vector<std::string> first_words = single_commands();
  for (const std::string& group : groups())
    first_words.push_back(group);
  EXPECT_EQ(shell_completions({"turnstile", ""}), first_words);
  EXPECT_EQ(shell_completions({"turnstile", "--timeout", "5s", "q"}),
            std::vector<std::string>{"query"});
  EXPECT_EQ(shell_completions({"turnstile", "query", "a.db", "SELECT 1", "--format", ""}),
            (std::vector<std::string>{"table", "json", "csv", "lines"}));
  EXPECT_EQ(shell_completions({"turnstile", "exec", "a.db", "x", "--du"}),
            std::vector<std::string>{"--durability"});
  EXPECT_EQ(shell_completions({"turnstile", "help", "exit"}),
            std::vector<std::string>{"exit-codes"});
  EXPECT_EQ(shell_completions({"turnstile", "completions", "z"}), std::vector<std::string>{"zsh"});
  EXPECT_EQ(shell_completions({"turnstile", "info", "/et"}), std::vector<std::string>{"/etc"});
  for (const std::string& command : commands()) {
    std::vector<std::string> words = words_of(command);
    words.insert(words.begin(), "turnstile");
    words.emplace_back("--");
    const std::vector<std::string> offered = shell_completions(words);
    for (const std::string& flag : all_flags_of(command))
      EXPECT_THAT(offered, Contains(flag)) << command;
  }
}

TEST(CliCompletions, KnowEveryCommandAndFlagInOtherShells) {
  const std::string zsh = run_cli({"completions", "zsh"}).out;
  const std::string fish = run_cli({"completions", "fish"}).out;
  EXPECT_THAT(zsh, StartsWith("#compdef turnstile\n"));
  for (const std::string& command : commands()) {
    EXPECT_THAT(zsh, HasSubstr("    " + words_of(command).back() + ")\n"));
    EXPECT_THAT(fish, HasSubstr(" -a " + words_of(command).back() + " -d "));
    for (const std::string& flag : all_flags_of(command)) {
      EXPECT_THAT(zsh, HasSubstr(flag + "["));
      EXPECT_THAT(fish, HasSubstr(" -l " + flag.substr(2)));
    }
  }
}

}  // namespace
}  // namespace turnstile::test
