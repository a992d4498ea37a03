// Whatever somebody does to the tables of a log is found and named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "audit/chain.h"
#include "audit/hex.h"
#include "support/audit_database.h"
#include "support/log_events.h"
#include "support/thrown.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Findings = std::vector<std::string>;

/// A log of the events 1 to 10, with a key or without.
class TamperedAudit {
 public:
  explicit TamperedAudit(bool keyed = true)
      : key_(keyed ? audit_key() : AuditKey()), log_(db_.lane(), with_key(key_)) {
    for (int i = 1; i <= 10; ++i) {
      const std::string n = std::to_string(i);
      log_.record_sync({.action = "act " + n,
                        .actor = "actor " + n,
                        .subject = "subject " + n,
                        .detail = "{\"n\":" + n + "}",
                        .trace = "trace " + n,
                        .session = "session " + n});
    }
  }

  [[nodiscard]] AuditTrail trail() const { return AuditTrail(db_.lane(), key_); }
  [[nodiscard]] Findings verify() const { return findings_of(trail().verify()); }
  [[nodiscard]] Findings after(const std::string& sql) const {
    db_.raw(sql);
    return verify();
  }
  void record(const std::string& action) { log_.record_sync({.action = action}); }
  AuditPruneReport prune_to(std::int64_t kept) { return log_.prune({.max_events = kept}); }

  AuditDatabase& db() { return db_; }
  [[nodiscard]] const AuditKey& key() const { return key_; }
  AuditLog& log() { return log_; }

 private:
  AuditDatabase db_;
  AuditKey key_;
  AuditLog log_;
};

class TamperMatrix : public testing::TestWithParam<std::tuple<bool, std::string>> {
 protected:
  [[nodiscard]] std::string column() const { return std::get<1>(GetParam()); }

  TamperedAudit audit_{std::get<0>(GetParam())};
};

std::string name_of(const testing::TestParamInfo<std::tuple<bool, std::string>>& info) {
  return std::get<1>(info.param) + (std::get<0>(info.param) ? "_keyed" : "_plain");
}

/// Another value of the same type.
std::string changed(const std::string& column) {
  return "CASE typeof(" + column + ") WHEN 'integer' THEN " + column + " + 1 WHEN 'text' THEN " +
         column + " || 'x' ELSE randomblob(length(" + column + ")) END";
}

using TamperedEvent = TamperMatrix;

// AUD-07: whichever byte of an event is changed, its row is named, and no other.
TEST_P(TamperedEvent, IsNamedWhicheverColumnWasChanged) {
  EXPECT_THAT(audit_.after("UPDATE audit_event SET " + column() + " = " + changed(column()) +
                           " WHERE id = 5"),
              ElementsAre("changed 5"));
}

TEST_P(TamperedEvent, IsNamedWhenItIsTheNewest) {
  EXPECT_THAT(audit_.after("UPDATE audit_event SET " + column() + " = " + changed(column()) +
                           " WHERE id = 10"),
              ElementsAre("changed 10"));
}

INSTANTIATE_TEST_SUITE_P(Column, TamperedEvent,
                         testing::Combine(testing::Bool(),
                                          testing::Values("time", "actor", "action", "subject",
                                                          "detail", "trace", "session",
                                                          "previous_hash", "hash")),
                         name_of);

using TamperedHead = TamperMatrix;

TEST_P(TamperedHead, IsNamedWhicheverColumnWasChanged) {
  const Findings findings =
      audit_.after("UPDATE audit_head SET " + column() + " = " + changed(column()));
  EXPECT_THAT(findings, ElementsAre(testing::StartsWith("head ")));
}

INSTANTIATE_TEST_SUITE_P(Column, TamperedHead,
                         testing::Combine(testing::Bool(), testing::Values("log", "key", "last_id",
                                                                           "last_hash", "hash")),
                         name_of);

using TamperedSegment = TamperMatrix;

TEST_P(TamperedSegment, IsNamedWhicheverColumnWasChanged) {
  ASSERT_EQ(audit_.prune_to(4).removed, 6);
  EXPECT_THAT(audit_.verify(), IsEmpty());
  EXPECT_THAT(audit_.after("UPDATE audit_segment SET " + column() + " = " + changed(column())),
              ElementsAre(column() == "id" ? "segment 2" : "segment 1"));
}

INSTANTIATE_TEST_SUITE_P(Column, TamperedSegment,
                         testing::Combine(testing::Bool(),
                                          testing::Values("id", "first_id", "last_id", "events",
                                                          "flaws", "first_time", "last_time",
                                                          "sealed_at", "previous_hash", "last_hash",
                                                          "hash")),
                         name_of);

class EitherAudit : public testing::TestWithParam<bool> {
 protected:
  TamperedAudit audit_{GetParam()};
};

TEST_P(EitherAudit, IsWholeWhenNobodyTouchesIt) {
  const AuditVerification verification = audit_.trail().verify();
  EXPECT_TRUE(verification.ok());
  EXPECT_EQ(verification.events, 10);
  EXPECT_EQ(verification.head.id, 10);
  EXPECT_EQ(verification.keyed, GetParam());
  EXPECT_EQ(verification.head, audit_.trail().anchor());
}

TEST_P(EitherAudit, MissesAnEventThatWasRemoved) {
  EXPECT_THAT(audit_.after("DELETE FROM audit_event WHERE id = 5"), ElementsAre("missing 5"));
}

TEST_P(EitherAudit, MissesTheFirstEventWhenItWasRemoved) {
  EXPECT_THAT(audit_.after("DELETE FROM audit_event WHERE id = 1"), ElementsAre("missing 1"));
}

TEST_P(EitherAudit, MissesTheNewestEventsWhenTheyWereRemoved) {
  EXPECT_THAT(audit_.after("DELETE FROM audit_event WHERE id = 10"), ElementsAre("missing 10"));
  EXPECT_THAT(audit_.after("DELETE FROM audit_event WHERE id > 7"), ElementsAre("missing 8-10"));
  EXPECT_THAT(audit_.after("DELETE FROM audit_event"), ElementsAre("missing 1-10"));
}

TEST_P(EitherAudit, FindsTwoEventsThatWereSwapped) {
  EXPECT_THAT(audit_.after("UPDATE audit_event SET id = 99 WHERE id = 3;"
                           "UPDATE audit_event SET id = 3 WHERE id = 4;"
                           "UPDATE audit_event SET id = 4 WHERE id = 99"),
              ElementsAre("changed 3", "changed 4", "unlinked 5"));
}

TEST_P(EitherAudit, FindsAnEventThatWasMoved) {
  EXPECT_THAT(audit_.after("UPDATE audit_event SET id = 50 WHERE id = 5"),
              ElementsAre("missing 5", "inserted 50"));
}

TEST_P(EitherAudit, FindsAnEventThatWasCopied) {
  EXPECT_THAT(
      audit_.after("INSERT INTO audit_event SELECT 11, time, actor, action, subject, detail, "
                   "trace, session, previous_hash, hash FROM audit_event WHERE id = 10"),
      ElementsAre("inserted 11"));
}

TEST_P(EitherAudit, FindsAnEventThatWasPutBelowASeal) {
  audit_.prune_to(4);
  EXPECT_THAT(
      audit_.after("INSERT INTO audit_event SELECT 2, time, actor, action, subject, detail, "
                   "trace, session, previous_hash, hash FROM audit_event WHERE id = 10"),
      ElementsAre("inserted 2"));
}

TEST_P(EitherAudit, FindsEveryFlawOfSeveral) {
  EXPECT_THAT(audit_.after("UPDATE audit_event SET actor = 'x' WHERE id IN (2, 3);"
                           "DELETE FROM audit_event WHERE id IN (5, 6, 10)"),
              ElementsAre("changed 2", "changed 3", "missing 5-6", "missing 10"));
}

TEST_P(EitherAudit, CountsMoreFindingsThanItKeeps) {
  audit_.db().raw("UPDATE audit_event SET actor = 'x'");
  const AuditVerification verification = audit_.trail().verify({.max_findings = 3});
  EXPECT_EQ(verification.findings.size(), 3U);
  EXPECT_EQ(verification.flaws, 10U);
}

TEST_P(EitherAudit, FindsThatTheHeadWasRemoved) {
  EXPECT_THAT(audit_.after("DELETE FROM audit_head"), ElementsAre("head 0"));
}

TEST_P(EitherAudit, FindsThatASealWasRemoved) {
  audit_.prune_to(4);
  EXPECT_THAT(audit_.after("DELETE FROM audit_segment"), ElementsAre("missing 1-6"));
}

TEST_P(EitherAudit, FindsAValueOfAnotherType) {
  EXPECT_THAT(
      audit_.after("CREATE TABLE other AS SELECT * FROM audit_event; DROP TABLE audit_event;"
                   "ALTER TABLE other RENAME TO audit_event;"
                   "UPDATE audit_event SET actor = x'00' WHERE id = 5"),
      ElementsAre("changed 5"));
}

TEST_P(EitherAudit, FindsATimeThatNoClockTells) {
  EXPECT_THAT(audit_.after("UPDATE audit_event SET time = 9223372036854775807 WHERE id = 5"),
              ElementsAre("changed 5"));
  EXPECT_EQ(audit_.trail().list().size(), 10U);
}

// ---- Going on after damage ----

TEST_P(EitherAudit, SaysSoInTheChainWhenItGoesOnWithoutItsNewestEvent) {
  audit_.db().raw("DELETE FROM audit_event WHERE id > 8");
  audit_.record("next");
  EXPECT_THAT(audit_.verify(), ElementsAre("missing 9-10", "break 11"));
  const AuditEvent event = audit_.trail().get(11).value().event;
  EXPECT_EQ(event.action, "audit.break");
  EXPECT_EQ(event.detail, R"({"damage":"the newest event is 8 and was 10"})");
  EXPECT_EQ(audit_.trail().get(12).value().event.action, "next");
}

TEST_P(EitherAudit, SaysSoInTheChainWhenItGoesOnWithoutItsHead) {
  audit_.db().raw("DELETE FROM audit_head");
  audit_.record("next");
  EXPECT_THAT(audit_.verify(), testing::Contains("break 11"));
  EXPECT_THAT(audit_.trail().get(11).value().event.detail,
              HasSubstr("head of the log was removed"));
}

// Somebody removes the newest events and writes the head as it was before them, as well as he can.
TEST_P(EitherAudit, SaysSoInTheChainWhenItsHeadWasPutBack) {
  audit_.db().raw(
      "DELETE FROM audit_event WHERE id > 8; UPDATE audit_head SET last_id = 8, "
      "last_hash = (SELECT hash FROM audit_event WHERE id = 8)");
  EXPECT_THAT(audit_.verify(), ElementsAre("head 8"));
  audit_.record("next");
  EXPECT_THAT(audit_.verify(), ElementsAre("break 9"));
}

TEST_P(EitherAudit, SaysSoInTheChainWhenItGoesOnBehindAForgedEvent) {
  audit_.db().raw(
      "INSERT INTO audit_event SELECT 11, time, actor, action, subject, detail, "
      "trace, session, previous_hash, hash FROM audit_event WHERE id = 10");
  audit_.record("next");
  EXPECT_THAT(audit_.verify(), ElementsAre("changed 11", "break 12"));
}

TEST_P(EitherAudit, TellsOfTheDamageThatItGoesOnAfter) {
  LogEvents told;
  AuditOptions options = with_key(audit_.key());
  options.log_sink = told.sink();
  AuditLog log(audit_.db().lane(), options);
  audit_.db().raw("DELETE FROM audit_event WHERE id = 10");
  log.start();
  log.record({.action = "next"});
  ASSERT_TRUE(log.flush());
  log.stop();
  EXPECT_THAT(told.of("AUDIT_CHAIN_BROKEN"), ElementsAre(HasSubstr("the newest event is 9")));
}

TEST_P(EitherAudit, CannotGoOnWhenTheLastIdWasTaken) {
  audit_.db().raw(
      "INSERT INTO audit_event SELECT 9223372036854775807, time, actor, action, subject, "
      "detail, trace, session, previous_hash, hash FROM audit_event WHERE id = 10");
  EXPECT_EQ(thrown<Error>([&] { audit_.record("next"); }).code(), "AUDIT_CHAIN_BROKEN");
  EXPECT_THAT(audit_.verify(), ElementsAre("inserted 9223372036854775807"));
}

INSTANTIATE_TEST_SUITE_P(Of, EitherAudit, testing::Bool(), [](const auto& which) {
  return std::string(which.param ? "AKeyedLog" : "APlainLog");
});

// ---- Forging ----

/// Puts an event behind the newest one, and makes the hashes that whoever has `key` can make.
void forge(TamperedAudit& audit, const AuditKey& key, bool with_head) {
  const AuditRecord newest = audit.trail().list({.limit = 1}).front();
  const std::int64_t id = newest.id + 1;
  AuditEvent event{
      .action = "forged", .actor = "nobody", .detail = "{}", .time = newest.event.time};
  const AuditHash hash = audit::hash_of(key, newest.hash, id, event);
  const auto blob = [](const AuditHash& bytes) { return "x'" + audit::to_hex(bytes) + "'"; };
  audit.db().raw("INSERT INTO audit_event SELECT " + std::to_string(id) +
                 ", time, 'nobody', 'forged', '', '{}', '', '', hash, " + blob(hash) +
                 " FROM audit_event WHERE id = " + std::to_string(newest.id));
  if (!with_head) return;
  audit::Head head{.key = audit::key_id(key), .last_id = id, .last_hash = hash};
  ASSERT_TRUE(audit::from_hex(audit.db().raw("SELECT hex(log) FROM audit_head"), head.log));
  audit.db().raw("UPDATE audit_head SET last_id = " + std::to_string(id) +
                 ", last_hash = " + blob(hash) + ", hash = " + blob(audit::hash_of(key, head)));
}

TEST(ForgedEvent, IsFoundInAPlainLogWhenTheHeadIsLeftAsItWas) {
  TamperedAudit audit(false);
  forge(audit, AuditKey(), false);
  EXPECT_THAT(audit.verify(), ElementsAre("inserted 11"));
}

TEST(ForgedEvent, IsFoundInAKeyedLogWhenItWasMadeWithoutTheKey) {
  TamperedAudit audit;
  forge(audit, AuditKey(), false);
  EXPECT_THAT(audit.verify(), ElementsAre("inserted 11"));
}

TEST(ForgedEvent, IsFoundInAKeyedLogWithAHeadToIt) {
  TamperedAudit audit;
  forge(audit, AuditKey(), true);
  EXPECT_THAT(audit.verify(), Not(IsEmpty()));
  TamperedAudit other;
  forge(other, audit_key("8"), true);
  EXPECT_THAT(other.verify(), Not(IsEmpty()));
}

// What a chain without a key cannot show: this is why there are keys and anchors.
TEST(ForgedEvent, IsNotFoundInAPlainLogWithAHeadToIt) {
  TamperedAudit audit(false);
  forge(audit, AuditKey(), true);
  EXPECT_THAT(audit.verify(), IsEmpty());
}

/// Makes the whole chain anew over what the rows say, as whoever may write the file can without a
/// key.
void rebuild(TamperedAudit& audit) {
  audit::Head head;
  ASSERT_TRUE(audit::from_hex(audit.db().raw("SELECT hex(log) FROM audit_head"), head.log));
  AuditHash hash = audit::hash_of_beginning(AuditKey(), head.log);
  const auto blob = [](const AuditHash& bytes) { return "x'" + audit::to_hex(bytes) + "'"; };
  for (std::int64_t id = 1; id <= 10; ++id) {
    const AuditHash previous = hash;
    hash = audit::hash_of(AuditKey(), previous, id, audit.trail().get(id).value().event);
    audit.db().raw("UPDATE audit_event SET previous_hash = " + blob(previous) +
                   ", hash = " + blob(hash) + " WHERE id = " + std::to_string(id));
  }
  head.last_id = 10;
  head.last_hash = hash;
  audit.db().raw("UPDATE audit_head SET last_hash = " + blob(hash) +
                 ", hash = " + blob(audit::hash_of(AuditKey(), head)));
}

TEST(RebuiltLog, LooksWholeWithoutAKey) {
  TamperedAudit audit(false);
  audit.db().raw("UPDATE audit_event SET actor = 'innocent' WHERE id = 5");
  rebuild(audit);
  EXPECT_THAT(audit.verify(), IsEmpty());
}

TEST(RebuiltLog, IsFoundByAnAnchor) {
  TamperedAudit audit(false);
  const AuditAnchor anchor = audit.trail().anchor();
  audit.record("later");
  EXPECT_EQ(audit.trail().verify({.anchor = anchor}).anchor, AuditProof::Contained);
  audit.db().raw(
      "DELETE FROM audit_event WHERE id = 11; UPDATE audit_event SET actor = 'innocent' "
      "WHERE id = 5");
  rebuild(audit);
  const AuditVerification verification = audit.trail().verify({.anchor = anchor});
  EXPECT_EQ(verification.anchor, AuditProof::Contradicted);
  EXPECT_THAT(findings_of(verification), testing::Contains("anchor 10"));
}

TEST(RebuiltLog, IsFoundByAnAnchorWhenAllOfItIsNew) {
  AuditAnchor anchor;
  {
    TamperedAudit audit;
    anchor = audit.trail().anchor();
  }
  TamperedAudit other;
  const AuditVerification verification = other.trail().verify({.anchor = anchor});
  EXPECT_EQ(verification.anchor, AuditProof::Contradicted);
  EXPECT_THAT(verification.findings.front().message, HasSubstr("of another log"));
}

TEST(AuditVerification, IsAFindingWithTheWrongKey) {
  const TamperedAudit audit;
  auto& db = const_cast<TamperedAudit&>(audit).db();
  for (const AuditKey& key : {AuditKey(), audit_key("8")}) {
    const AuditVerification verification = AuditTrail(db.lane(), key).verify();
    EXPECT_THAT(findings_of(verification), ElementsAre("head 10"));
    EXPECT_THAT(verification.findings.front().message, HasSubstr("another key"));
  }
}

// ---- Anchors ----

TEST(AuditAnchor, IsReadBackFromItsText) {
  TamperedAudit audit;
  const AuditAnchor anchor = audit.trail().anchor();
  EXPECT_EQ(AuditAnchor::parse(anchor.to_string()), anchor);
}

TEST(AuditAnchor, IsNotReadFromAnythingElse) {
  TamperedAudit audit;
  const std::string text = audit.trail().anchor().to_string();
  for (const std::string& bad : {std::string(), std::string("turnstile-audit:"), text + "0",
                                 text.substr(1), text.substr(0, text.size() - 1)})
    EXPECT_EQ(thrown<MisuseError>([&] { (void)AuditAnchor::parse(bad); }).code(),
              "AUDIT_ANCHOR_INVALID")
        << bad;
}

TEST(AuditAnchor, OfAnEmptyLogIsContainedInWhatItBecomes) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  const AuditAnchor anchor = log.trail().anchor();
  EXPECT_EQ(anchor.id, 0);
  record_many(log, 3);
  EXPECT_EQ(log.trail().verify({.anchor = anchor}).anchor, AuditProof::Contained);
}

TEST(AuditAnchor, FindsThatALaterStateIsGone) {
  TamperedAudit audit;
  audit.db()->backup(audit.db().directory().file("before.db"));
  audit.record("later");
  const AuditAnchor anchor = audit.trail().anchor();
  const Database former = Database::open(audit.db().directory().file("before.db"));
  const AuditVerification verification =
      AuditTrail(former.lane("audit"), audit.key()).verify({.anchor = anchor});
  EXPECT_EQ(verification.anchor, AuditProof::Contradicted);
  EXPECT_THAT(findings_of(verification), ElementsAre("anchor 11"));
}

TEST(AuditAnchor, OfAPrunedEventProvesNothingButAtTheEndOfASeal) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  record_many(log, 5);
  const AuditAnchor inside = log.trail().anchor();
  record_many(log, 5);
  const AuditAnchor at_end = log.trail().anchor();
  log.prune({.max_events = 0});
  EXPECT_EQ(log.trail().verify({.anchor = inside}).anchor, AuditProof::Unknown);
  EXPECT_TRUE(log.trail().verify({.anchor = inside}).ok());
  EXPECT_EQ(log.trail().verify({.anchor = at_end}).anchor, AuditProof::Contained);
}

TEST(AuditAnchor, IsNotTakenOfALogWithADamagedHead) {
  TamperedAudit audit;
  audit.db().raw("UPDATE audit_head SET last_id = 9");
  EXPECT_EQ(thrown<Error>([&] { (void)audit.trail().anchor(); }).code(), "AUDIT_CHAIN_BROKEN");
}

TEST(AuditTrail, SaysThatThereIsNoLog) {
  const AuditDatabase db;
  const AuditTrail trail(db.lane());
  EXPECT_EQ(thrown<Error>([&] { (void)trail.verify(); }).code(), "AUDIT_NOT_FOUND");
  EXPECT_EQ(thrown<Error>([&] { (void)trail.list(); }).code(), "AUDIT_NOT_FOUND");
  EXPECT_EQ(thrown<Error>([&] { (void)trail.tail(); }).code(), "AUDIT_NOT_FOUND");
}

}  // namespace
}  // namespace turnstile::test
