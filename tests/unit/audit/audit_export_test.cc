// Exported chains: whole ones verify, others do not, and no database is needed to tell.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/audit_database.h"
#include "support/thrown.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class AuditExportTest : public testing::Test {
 protected:
  AuditExportTest() {
    log_.record_sync({.action = "first", .detail = R"({"n":1.50,"s":"é\n\"x\""})"});
    record_many(log_, 9);
  }

  [[nodiscard]] std::string exported(const AuditExportOptions& options = {}) const {
    std::ostringstream out;
    static_cast<void>(log_.trail().export_to(out, options));
    return out.str();
  }
  [[nodiscard]] AuditVerification verify(const std::string& text,
                                         const AuditVerifyOptions& options = {}) const {
    std::istringstream in(text);
    return verify_audit_export(in, key_, options);
  }
  [[nodiscard]] std::vector<std::string> findings(const std::string& text) const {
    return findings_of(verify(text));
  }
  static std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
      lines.push_back(line);
    return lines;
  }
  static std::string join(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines)
      text += line + '\n';
    return text;
  }
  [[nodiscard]] static std::string replaced(std::string text, std::string_view from,
                                            std::string_view to) {
    return text.replace(text.find(from), from.size(), to);
  }

  const AuditKey key_ = audit_key();
  const AuditDatabase db_;
  AuditLog log_{db_.lane(), with_key(key_)};
};

TEST_F(AuditExportTest, IsOneObjectALine) {
  const auto lines = lines_of(exported());
  ASSERT_EQ(lines.size(), 12U);
  EXPECT_THAT(lines[0], StartsWith(R"({"type":"audit","format":1,"log":")"));
  EXPECT_THAT(lines[1], StartsWith(R"({"type":"event","id":1,"time":"2)"));
  EXPECT_THAT(lines[1], HasSubstr(R"("detail":{"n":1.50,"s":"é\n\"x\""})"));
  EXPECT_THAT(lines[11], StartsWith(R"({"type":"end","events":10,"last_id":10,)"));
  for (const std::string& line : lines)
    EXPECT_EQ(db_.raw("SELECT json_valid('" + line + "')"), "1") << line;
}

TEST_F(AuditExportTest, Verifies) {
  const AuditVerification verification = verify(exported());
  EXPECT_THAT(findings_of(verification), IsEmpty());
  EXPECT_EQ(verification.events, 10);
  EXPECT_TRUE(verification.keyed);
  EXPECT_EQ(verification.head, log_.trail().anchor());
}

TEST_F(AuditExportTest, VerifiesWithItsSeals) {
  log_.prune({.max_events = 4});
  const AuditVerification verification = verify(exported());
  EXPECT_THAT(findings_of(verification), IsEmpty());
  EXPECT_EQ(verification.sealed, 6);
  EXPECT_EQ(verification.events, 4);
}

TEST_F(AuditExportTest, VerifiesWhenAllIsSealed) {
  log_.prune({.max_events = 0});
  EXPECT_THAT(findings(exported()), IsEmpty());
}

TEST_F(AuditExportTest, VerifiesWhenOtherProgramsHavePutSpaceIntoIt) {
  std::string text = exported();
  text = replaced(text, R"({"n":1.50,"s")", R"({ "n" : 1.50 , "s")");
  text = replaced(text, R"("actor":"system")", R"( "actor" : "\u0073ystem")");
  EXPECT_THAT(findings(text), IsEmpty());
}

TEST_F(AuditExportTest, OfAPartVerifiesAndTheNextPartFollowsIt) {
  std::ostringstream out;
  const AuditExport first = log_.trail().export_to(out, {.until = 4});
  EXPECT_EQ(first.events, 4);
  EXPECT_EQ(first.end.id, 4);
  EXPECT_THAT(findings(out.str()), IsEmpty());
  const AuditVerification second = verify(exported({.after = 4}), {.anchor = first.end});
  EXPECT_THAT(findings_of(second), IsEmpty());
  EXPECT_EQ(second.events, 6);
  EXPECT_EQ(second.anchor, AuditProof::Contained);
}

TEST_F(AuditExportTest, OfNothingVerifies) {
  EXPECT_THAT(findings(exported({.after = 10})), IsEmpty());
  EXPECT_THAT(findings(exported({.after = 99})), IsEmpty());
  EXPECT_THAT(findings(exported({.after = 3, .until = 3})), IsEmpty());
}

TEST_F(AuditExportTest, BeginsWithTheSealThatGoesOverItsBeginning) {
  log_.prune({.max_events = 4});
  const AuditVerification verification = verify(exported({.after = 3}));
  EXPECT_THAT(findings_of(verification), IsEmpty());
  EXPECT_EQ(verification.sealed, 6);
}

TEST_F(AuditExportTest, ProvesNothingOfAnAnchorBeforeIt) {
  EXPECT_EQ(verify(exported({.after = 5}), {.anchor = verify(exported({.until = 3})).head}).anchor,
            AuditProof::Unknown);
}

TEST_F(AuditExportTest, FindsALineThatWasChanged) {
  EXPECT_THAT(findings(replaced(exported(), R"("action":"act 3")", R"("action":"act 4")")),
              ElementsAre("changed 4"));
  EXPECT_THAT(findings(replaced(exported(), R"({"n":1.50)", R"({"n":1.5)")),
              ElementsAre("changed 1"));
}

TEST_F(AuditExportTest, FindsALineThatWasRemoved) {
  auto lines = lines_of(exported());
  lines.erase(lines.begin() + 3);
  EXPECT_THAT(findings(join(lines)), ElementsAre("missing 3", "head 10"));
}

TEST_F(AuditExportTest, FindsLinesThatWereSwapped) {
  auto lines = lines_of(exported());
  std::swap(lines[3], lines[4]);
  EXPECT_THAT(findings(join(lines)), testing::Contains("missing 3"));
}

TEST_F(AuditExportTest, FindsThatItWasCutOff) {
  auto lines = lines_of(exported());
  lines.resize(8);
  EXPECT_THAT(findings(join(lines)), ElementsAre("head 7"));
}

TEST_F(AuditExportTest, FindsThatTheLastEventsWereLeftOut) {
  auto lines = lines_of(exported());
  lines.erase(lines.begin() + 9, lines.begin() + 11);
  EXPECT_THAT(findings(join(lines)), ElementsAre("head 10", "missing 9-10"));
}

TEST_F(AuditExportTest, FindsThatTheFirstEventsWereLeftOut) {
  // As an export that begins later would look, but for what only the key can make.
  const auto later = lines_of(exported({.after = 2}));
  auto lines = lines_of(exported());
  lines.erase(lines.begin() + 1, lines.begin() + 3);
  lines[0] = later[0];
  EXPECT_THAT(findings(join(lines)), ElementsAre("head 10"));
}

TEST_F(AuditExportTest, FindsWhatWasMissingInTheDatabase) {
  db_.raw("DELETE FROM audit_event WHERE id IN (4, 9, 10)");
  EXPECT_THAT(findings(exported()), ElementsAre("missing 4", "missing 9-10"));
}

TEST_F(AuditExportTest, FindsWhatWasChangedInTheDatabaseToWhatNoLineCanHold) {
  db_.raw(
      "UPDATE audit_event SET detail = 'no JSON' WHERE id = 3;"
      "UPDATE audit_event SET time = 9223372036854775807 WHERE id = 5;"
      "UPDATE audit_event SET actor = CAST(x'ff' AS TEXT) WHERE id = 7");
  EXPECT_THAT(findings(exported()), ElementsAre("changed 3", "changed 5", "changed 7"));
}

TEST_F(AuditExportTest, IsAFindingWithAnotherKey) {
  std::istringstream in(exported());
  EXPECT_THAT(findings_of(verify_audit_export(in, audit_key("8"))), ElementsAre("head 0"));
}

TEST_F(AuditExportTest, IsRefusedWhenItIsSomethingElse) {
  const std::string whole = exported();
  const auto lines = lines_of(whole);
  for (const std::string& bad :
       {std::string(), std::string("hello\n"), whole + "\n", join({lines[1]}), whole + lines[0],
        whole + lines[1], replaced(whole, R"("format":1)", R"("format":2)"),
        replaced(whole, R"("type":"event")", R"("type":"other")")})
    EXPECT_EQ(thrown<Error>([&] { (void)verify(bad); }).code(), "AUDIT_EXPORT_INVALID") << bad;
}

TEST_F(AuditExportTest, NamesTheLineThatIsNone) {
  EXPECT_THAT(std::string(thrown<Error>([&] { (void)verify(exported() + "{}\n"); }).message()),
              HasSubstr("line 13"));
}

TEST_F(AuditExportTest, FailsWhenTheStreamFails) {
  std::ostringstream out;
  out.setstate(std::ios::badbit);
  EXPECT_EQ(thrown<Error>([&] { (void)log_.trail().export_to(out); }).code(),
            "AUDIT_EXPORT_FAILED");
}

TEST_F(AuditExportTest, IsNotMadeOfALogWithADamagedHead) {
  db_.raw("UPDATE audit_head SET last_id = 9");
  EXPECT_EQ(thrown<Error>([&] { (void)exported(); }).code(), "AUDIT_CHAIN_BROKEN");
}

TEST_F(AuditExportTest, EndsWhenItIsStopped) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW((void)exported({.stop = stop.get_token()}), Cancelled);
}

TEST_F(AuditExportTest, VerifiesAlthoughAPruneComesInBetween) {
  log_.start();
  for (int i = 0; i < 2500; ++i)
    log_.record({.action = "act"});
  ASSERT_TRUE(log_.flush(std::chrono::seconds(30)));
  bool done = false;
  const std::string text = exported({.progress = [&](const Progress&) {
    if (std::exchange(done, true)) return;
    log_.prune({.max_events = 1000});
  }});
  EXPECT_THAT(findings(text), IsEmpty());
}

}  // namespace
}  // namespace turnstile::test
