// turnstile audit: what a shell can do with an audit log.
#include <csignal>
#include <string>
#include <vector>

#include "cli/cli_test.h"
#include "support/files.h"
#include "support/place_of.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::StartsWith;

class CliAudit : public CliTest {
 protected:
  [[nodiscard]] CliResult audit(const std::string& command, std::vector<std::string> words,
                                const std::vector<std::string>& settings = {}) const {
    words.insert(words.begin(), {"audit", command, db_});
    return run_cli(words, {}, settings);
  }
  void append(const std::string& action, std::vector<std::string> flags = {}) const {
    flags.insert(flags.begin(), action);
    const CliResult result = audit("append", flags);
    ASSERT_EQ(result.status, 0) << result.err;
  }
  [[nodiscard]] Json json(const std::string& command, std::vector<std::string> words = {}) const {
    words.emplace_back("--json");
    return Json::parse(audit(command, words).out);
  }
  [[nodiscard]] std::vector<int> listed(std::vector<std::string> flags) const {
    std::vector<int> ids;
    for (const Json& record : json("list", std::move(flags)))
      ids.push_back(record.at("id").get<int>());
    return ids;
  }
  // A run of tail whose standard output is the test's to read.
  [[nodiscard]] ChildProcess tail(const std::vector<std::string>& flags) const {
    std::vector<std::string> words{
        "env", "--default-signal=INT,TERM,HUP", place_of::cli(), "audit", "tail", db_, "--json"};
    words.insert(words.end(), flags.begin(), flags.end());
    return ChildProcess(words);
  }
};

TEST_F(CliAudit, AppendsWithAllThatAnEventHas) {
  append("edit", {"--actor", "ada", "--subject", "n/1", "--detail", R"({"a":[1.0]})", "--trace",
                  "t1", "--session", "s1"});
  const Json record = json("list").at(0);
  EXPECT_EQ(record.at("action"), "edit");
  EXPECT_EQ(record.at("actor"), "ada");
  EXPECT_EQ(record.at("subject"), "n/1");
  EXPECT_EQ(record.at("detail").dump(), R"({"a":[1.0]})");
  EXPECT_EQ(record.at("trace"), "t1");
  EXPECT_EQ(record.at("session"), "s1");
  EXPECT_THAT(record.at("time").get<std::string>(), MatchesRegex("20[0-9-]+T[0-9:.]+Z"));
}

TEST_F(CliAudit, DoesNotMakeADatabase) {
  const CliResult result =
      run_cli({"audit", "append", directory_.file("nowhere.db"), "act", "--json"});
  EXPECT_EQ(result.status, 4);
  EXPECT_EQ(error_of(result).at("code"), "DB_NOT_FOUND");
}

TEST_F(CliAudit, RefusesAnEventThatIsWrong) {
  const CliResult result = audit("append", {"act", "--detail", "{", "--json"});
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(error_of(result).at("code"), "AUDIT_EVENT_INVALID");
}

TEST_F(CliAudit, SaysThatThereIsNoLogAndMakesNone) {
  for (const char* command : {"list", "tail", "verify", "export"}) {
    const CliResult result = audit(command, {"--json"});
    EXPECT_EQ(result.status, 4) << command;
    EXPECT_EQ(error_of(result).at("code"), "AUDIT_NOT_FOUND") << command;
  }
  EXPECT_EQ(audit("prune", {"--max-events", "1"}).status, 4);
  EXPECT_EQ(ask("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'audit%'"), 0);
}

TEST_F(CliAudit, ListsWhatIsAskedFor) {
  append("login", {"--actor", "ada"});
  append("edit", {"--actor", "ada", "--subject", "n/1"});
  append("edit", {"--actor", "bob", "--subject", "n/2"});
  EXPECT_THAT(listed({}), ElementsAre(3, 2, 1));
  EXPECT_THAT(listed({"--actor", "ada"}), ElementsAre(2, 1));
  EXPECT_THAT(listed({"--action", "edit", "--limit", "1"}), ElementsAre(3));
  EXPECT_THAT(listed({"--action", "edit", "--before", "3"}), ElementsAre(2));
  EXPECT_THAT(listed({"--from", "2020-01-01T00:00:00Z"}), ElementsAre(3, 2, 1));
  EXPECT_THAT(listed({"--until", "2020-01-01T00:00:00Z"}), IsEmpty());
}

TEST_F(CliAudit, RefusesTimesAndNumbersThatAreNone) {
  append("act");
  EXPECT_EQ(audit("list", {"--from", "yesterday"}).status, 3);
  EXPECT_EQ(audit("list", {"--limit", "-1"}).status, 3);
  EXPECT_EQ(audit("list", {"--before", "1x"}).status, 3);
  EXPECT_EQ(audit("tail", {"--after", "1", "--lines", "1"}).status, 3);
  EXPECT_EQ(audit("prune", {}).status, 3);
  EXPECT_EQ(audit("prune", {"--max-age", "soon"}).status, 3);
  EXPECT_EQ(audit("verify", {"--anchor", "x"}).status, 3);
}

TEST_F(CliAudit, PrintsWhatIsHarmlessToATerminal) {
  append("act", {"--subject", "\033[31mred"});
  EXPECT_THAT(audit("list", {}).out, HasSubstr(R"(\x1b[31mred)"));
}

TEST_F(CliAudit, FollowsTheLogUntilItIsInterrupted) {
  append("one");
  append("two");
  ChildProcess run = tail({"--lines", "1"});
  EXPECT_EQ(Json::parse(run.read_line()).at("action"), "two");
  append("three");
  EXPECT_EQ(Json::parse(run.read_line()).at("action"), "three");
  run.signal(SIGINT);
  EXPECT_EQ(run.wait(), 130);
}

TEST_F(CliAudit, FollowsTheLogFromAnId) {
  append("one");
  append("two");
  ChildProcess run = tail({"--after", "0"});
  EXPECT_EQ(Json::parse(run.read_line()).at("id"), 1);
  EXPECT_EQ(Json::parse(run.read_line()).at("id"), 2);
  run.signal(SIGTERM);
  EXPECT_EQ(run.wait(), 130);
}

TEST_F(CliAudit, VerifiesAndFindsWhatWasChanged) {
  append("one");
  append("two");
  const Json whole = json("verify");
  EXPECT_EQ(whole.at("ok"), true);
  EXPECT_EQ(whole.at("events"), 2);
  exec("UPDATE audit_event SET actor = 'eve' WHERE id = 1");
  const CliResult result = audit("verify", {"--json"});
  EXPECT_EQ(result.status, 2);
  const Json finding = Json::parse(result.out).at("findings").at(0);
  EXPECT_EQ(finding.at("flaw"), "changed");
  EXPECT_EQ(finding.at("first_id"), 1);
}

TEST_F(CliAudit, ProvesAnAnchor) {
  append("one");
  const std::string anchor = json("verify").at("anchor").get<std::string>();
  append("two");
  const std::string later = json("verify").at("anchor").get<std::string>();
  EXPECT_EQ(json("verify", {"--anchor", anchor}).at("given_anchor"), "contained");
  ASSERT_EQ(audit("prune", {"--max-events", "0"}).status, 0);
  EXPECT_EQ(audit("verify", {"--anchor", later}).status, 0);
  const CliResult unknown = audit("verify", {"--anchor", anchor});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.out, HasSubstr("the anchor given is unknown"));
}

TEST_F(CliAudit, TakesItsKeyFromAFileOrFromTheEnvironment) {
  const std::string key(64, '7');
  const std::string file = directory_.file("key");
  write_file(file, key + "\n");
  append("one", {"--key-file", file});
  EXPECT_EQ(json("verify", {"--key-file", file}).at("keyed"), true);
  EXPECT_EQ(audit("append", {"two"}, {"TURNSTILE_AUDIT_KEY=" + key}).status, 0);
  EXPECT_EQ(audit("verify", {}, {"TURNSTILE_AUDIT_KEY=" + key}).status, 0);
  EXPECT_EQ(audit("verify", {}).status, 2);
  const CliResult wrong = audit("append", {"three", "--json"});
  EXPECT_EQ(wrong.status, 7);
  EXPECT_EQ(error_of(wrong).at("code"), "AUDIT_KEY_WRONG");
  EXPECT_EQ(audit("append", {"three"}, {"TURNSTILE_AUDIT_KEY=secret"}).status, 3);
  EXPECT_EQ(audit("append", {"three", "--key-file", directory_.file("none")}).status, 4);
}

TEST_F(CliAudit, ExportsWhatVerifiesWithoutTheDatabase) {
  for (const char* action : {"one", "two", "three"})
    append(action);
  const CliResult exported = audit("export", {"--until", "2"});
  EXPECT_EQ(exported.status, 0);
  EXPECT_THAT(exported.err, HasSubstr("2 events; --after 2 goes on behind"));
  const std::string file = directory_.file("audit.jsonl");
  write_file(file, exported.out);
  EXPECT_EQ(run_cli({"audit", "verify", file, "--exported"}).status, 0);
  std::string forged = exported.out;
  forged.replace(forged.find("\"one\""), 5, "\"eno\"");
  write_file(file, forged);
  EXPECT_EQ(run_cli({"audit", "verify", file, "--exported"}).status, 2);
  write_file(file, "hello\n");
  EXPECT_EQ(run_cli({"audit", "verify", file, "--exported"}).status, 3);
  EXPECT_EQ(run_cli({"audit", "verify", directory_.file("none"), "--exported"}).status, 4);
}

TEST_F(CliAudit, PrunesAndLeavesASeal) {
  for (int i = 0; i < 5; ++i)
    append("act");
  const Json report = json("prune", {"--max-events", "2"});
  EXPECT_EQ(report.at("removed"), 3);
  EXPECT_EQ(report.at("segment").at("last_id"), 3);
  EXPECT_EQ(json("verify").at("sealed"), 3);
  EXPECT_TRUE(json("prune", {"--max-events", "2"}).at("segment").is_null());
  EXPECT_EQ(json("prune", {"--max-age", "365d"}).at("removed"), 0);
}

TEST_F(CliAudit, PrunesWhatIsBrokenOnDemandOnly) {
  for (int i = 0; i < 3; ++i)
    append("act");
  exec("UPDATE audit_event SET actor = 'eve' WHERE id = 1");
  const CliResult refused = audit("prune", {"--max-events", "1", "--json"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_EQ(error_of(refused).at("code"), "AUDIT_CHAIN_BROKEN");
  EXPECT_EQ(audit("prune", {"--max-events", "1", "--even-if-broken"}).status, 0);
  EXPECT_THAT(audit("verify", {}).out, StartsWith("segment: segment 1 seals damage; findings: 1"));
}

}  // namespace
}  // namespace turnstile::test
