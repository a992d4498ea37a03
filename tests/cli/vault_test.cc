// `turnstile vault`: where passwords come from, and what ends with which status. What the commands
// do is shown by docs/reference/cli-vault.md, whose examples reference_test.cc runs.
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "cli/cli_test.h"
#include "support/files.h"

namespace turnstile::test {
namespace {

using testing::HasSubstr;

class CliVault : public testing::Test {
 protected:
  CliVault() {
    run("TURNSTILE_NEW_PASSWORD='  secret ' turnstile vault create stick bank --kind sealed");
  }
  ProgramResult run(const std::string& command) {
    return run_in_shell(directory_.path().string(), command);
  }

  TempDir directory_;
};

TEST_F(CliVault, TakesAPasswordFromADescriptorByteForByte) {
  write_file(directory_.file("right"), "  secret \n");
  write_file(directory_.file("wrong"), "secret\n");
  const std::string query = "turnstile vault query stick bank 'SELECT 1 AS one' --format lines ";
  EXPECT_EQ(run(query + "--password-fd 3 3< right").output, "one = 1\n");
  const ProgramResult wrong = run(query + "--password-fd 3 3< wrong");
  EXPECT_EQ(wrong.status, 7);
  EXPECT_THAT(wrong.output, HasSubstr("no key slot opens"));
  EXPECT_EQ(run(query + "--password-fd 9").status, 7);
}

TEST_F(CliVault, NeedsATerminalToAskAt) {
  const ProgramResult asked = run("setsid turnstile vault query stick bank 'SELECT 1'");
  EXPECT_EQ(asked.status, 7);
  EXPECT_THAT(asked.output, HasSubstr("--password-fd"));
}

TEST_F(CliVault, TakesNoPasswordAsAWord) {
  EXPECT_EQ(run("turnstile vault query stick bank 'SELECT 1' --password secret").status, 3);
}

TEST_F(CliVault, EndsWithAStatusThatSaysWhatWasWrong) {
  EXPECT_EQ(run("turnstile vault info stick nobody").status, 4);
  EXPECT_EQ(run("turnstile vault info nowhere bank").status, 4);
  EXPECT_EQ(run("turnstile vault create stick bank").status, 3);
  EXPECT_EQ(run("turnstile vault delete stick bank").status, 3);
  EXPECT_EQ(run("turnstile vault detach stick bank abc --keep").status, 3);
  run("printf x | dd of=$(echo stick/profiles/*/database.1) bs=1 seek=100 conv=notrunc");
  EXPECT_EQ(run("TURNSTILE_PASSWORD='  secret ' turnstile vault verify stick bank").status, 2);
  EXPECT_EQ(
      run("TURNSTILE_PASSWORD='  secret ' turnstile vault query stick bank 'SELECT 1'").status, 6);
}

TEST_F(CliVault, WarnsOfABackupThatAnybodyCanRead) {
  run("turnstile vault create stick work");
  EXPECT_THAT(run("turnstile vault backup stick work open.backup").output, HasSubstr("--encrypt"));
  run("TURNSTILE_NEW_PASSWORD=p turnstile vault backup stick work locked.backup --encrypt");
  EXPECT_EQ(run("turnstile vault restore other locked.backup < /dev/null").status, 7);
  EXPECT_EQ(run("TURNSTILE_PASSWORD=p turnstile vault restore other locked.backup").status, 0);
  EXPECT_EQ(run("turnstile vault restore other open.backup").status, 3) << "it is there already";
}

// Another name would not help: it is the id that is there already.
TEST_F(CliVault, SaysHowABackupReplacesTheProfileThatIsThere) {
  run("turnstile vault create stick work --id work");
  run("turnstile vault backup stick work work.backup");
  const ProgramResult there = run("turnstile vault restore stick work.backup --name other");
  EXPECT_EQ(there.status, 3);
  EXPECT_THAT(there.output, HasSubstr("there is a profile of the id 'work'"));
  EXPECT_THAT(there.output, HasSubstr("adding --replace"));
  EXPECT_EQ(run("turnstile vault restore stick work.backup --replace work").status, 0);
  EXPECT_THAT(run("turnstile vault create stick second --id work").output,
              HasSubstr("hint: Choose another id."));
}

// It may have had one before.
TEST_F(CliVault, TakesNoPasswordForAProfileThatHasNone) {
  run("turnstile vault create stick work");
  for (const std::string command : {"query stick work 'SELECT 1'", "duplicate stick work copy",
                                    "verify stick work", "exec stick work 'CREATE TABLE t(x)'"}) {
    const ProgramResult given = run("TURNSTILE_PASSWORD=p turnstile vault " + command);
    EXPECT_EQ(given.status, 3) << command;
    EXPECT_THAT(given.output, HasSubstr("has none")) << command;
  }
  EXPECT_EQ(run("turnstile vault query stick work 'SELECT 1' --password-fd 3 3< /dev/null").status,
            3);
  run("turnstile vault backup stick work open.backup");
  EXPECT_EQ(run("TURNSTILE_PASSWORD=p turnstile vault restore other open.backup").status, 3);
}

TEST_F(CliVault, TakesNoPasswordAwayByARestoreUnlessToldTo) {
  run("turnstile vault create stick work");
  run("turnstile vault backup stick work open.backup");
  run("TURNSTILE_NEW_PASSWORD=p turnstile vault set-password stick work");
  const std::string restore = "turnstile vault restore stick open.backup --replace work";
  EXPECT_EQ(run(restore).status, 3);
  EXPECT_EQ(run("TURNSTILE_PASSWORD=p turnstile vault query stick work 'SELECT 1'").status, 0);
  EXPECT_EQ(run(restore + " --remove-password").status, 0);
  EXPECT_EQ(run("turnstile vault query stick work 'SELECT 1'").status, 0);
}

TEST_F(CliVault, SaysOfTheSqlOfAQueryWhatIsTaken) {
  run("turnstile vault create stick work");
  EXPECT_THAT(run("turnstile vault query --help").output,
              HasSubstr("\n  SQL      one statement that reads\n"));
  EXPECT_EQ(run("turnstile vault query stick work 'SELECT 1; SELECT 2'").status, 3);
  EXPECT_EQ(run("echo 'SELECT 1' | turnstile vault query stick work -").status, 3);
}

TEST_F(CliVault, WritesAsDurablyAsIsAskedFor) {
  run("turnstile vault create stick work");
  for (const std::string level : {"normal", "full"}) {
    const std::string table = " 'CREATE TABLE t_" + level + "(x)' --durability " + level;
    EXPECT_EQ(run("turnstile vault exec stick work" + table).status, 0);
    EXPECT_EQ(run("TURNSTILE_PASSWORD='  secret ' turnstile vault exec stick bank" + table).status,
              0);
  }
  EXPECT_EQ(run("turnstile vault exec stick work 'SELECT 1' --durability most").status, 3);
}

// One value each, and of the profile as it is after the change.
TEST_F(CliVault, PrintsWhatItChangedAsOneJsonValue) {
  const Json made = Json::parse(run("turnstile vault create stick work --json").output);
  const auto json = [&](const std::string& command) {
    const ProgramResult done =
        run("TURNSTILE_PASSWORD=p TURNSTILE_NEW_PASSWORD=p turnstile vault " + command + " --json");
    EXPECT_EQ(done.status, 0) << command << ": " << done.output;
    return Json::parse(done.output, nullptr, false);
  };
  const auto info = [&] {
    return Json::parse(run("turnstile vault info stick work --json").output);
  };
  const std::vector<std::pair<std::string, std::string>> changes = {
      {"set-password stick work", "sealed"},
      {"change-password stick work", "sealed"},
      {"rotate-key stick work", "sealed"},
      {"convert stick work encrypted", "encrypted"},
      {"remove-password stick work", "plain"}};
  for (const auto& [command, kind] : changes) {
    const Json changed = json(command);
    ASSERT_TRUE(changed.is_object()) << command;
    EXPECT_EQ(changed, info()) << command;
    EXPECT_EQ(changed.at("kind"), kind) << command;
    EXPECT_EQ(changed.at("id"), made.at("id")) << command;
  }
  EXPECT_EQ(json("rename stick work office").at("name"), "office");
  EXPECT_EQ(json("delete stick office --yes"), Json({{"id", made.at("id")}, {"name", "office"}}));
}

TEST_F(CliVault, PrintsAnAttachmentThatIsTakenOutAsOneJsonValue) {
  run("turnstile vault create stick work");
  write_file(directory_.file("scan"), "a scan");
  const Json attached = Json::parse(run("turnstile vault attach stick work scan --json").output);
  const std::string detach =
      "turnstile vault detach stick work " + attached.at("id").get<std::string>() + " --json";
  EXPECT_EQ(Json::parse(run(detach + " --to copy --keep").output), attached);
  EXPECT_EQ(Json::parse(run(detach + " --yes").output), attached);
}

TEST_F(CliVault, SaysNothingOfAChangeToPeople) {
  run("turnstile vault create stick work");
  for (const std::string command :
       {"set-password stick work", "change-password stick work", "rotate-key stick work",
        "convert stick work encrypted", "remove-password stick work", "rename stick work office",
        "delete stick office --yes"}) {
    EXPECT_EQ(
        run("TURNSTILE_PASSWORD=p TURNSTILE_NEW_PASSWORD=p turnstile vault " + command).output, "")
        << command;
  }
}

// For good: only with --yes where nobody can be asked.
TEST_F(CliVault, DeletesNoAttachmentUnlessToldTo) {
  run("turnstile vault create stick work");
  write_file(directory_.file("scan"), "a scan");
  run("turnstile vault attach stick work scan > id.txt");
  const std::string detach = "turnstile vault detach stick work $(cat id.txt)";
  const ProgramResult asked = run(detach);
  EXPECT_EQ(asked.status, 3);
  EXPECT_THAT(asked.output, HasSubstr("'scan' would be deleted"));
  EXPECT_EQ(run(detach + " --to copy --keep").status, 0);
  EXPECT_EQ(run(detach + " --yes").status, 0);
  EXPECT_EQ(run(detach + " --yes").status, 4);
}

TEST_F(CliVault, AsksAtATerminalBeforeItDeletes) {
  // Its input and output are a terminal, whose keys are what standard input has.
  const std::string at_terminal =
      "python3 -c 'import os, pty, sys;"
      " sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))'"
      " turnstile vault delete stick bank";
  const ProgramResult refused = run("echo no | " + at_terminal);
  EXPECT_EQ(refused.status, 3);
  EXPECT_THAT(refused.output, HasSubstr("Go on?"));
  EXPECT_EQ(run("turnstile vault info stick bank").status, 0);
  EXPECT_EQ(run("echo yes | " + at_terminal).status, 0);
  EXPECT_EQ(run("turnstile vault info stick bank").status, 4);
}

TEST_F(CliVault, MakesNoWorkspaceForWhatIsNoBackup) {
  write_file(directory_.file("letter"), "a letter");
  EXPECT_NE(run("turnstile vault restore other letter").status, 0);
  EXPECT_NE(run("turnstile vault restore other missing").status, 0);
  EXPECT_FALSE(std::filesystem::exists(directory_.file("other")));
}

}  // namespace
}  // namespace turnstile::test
