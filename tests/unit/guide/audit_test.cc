// The examples of docs/guide/audit.md; guide_test.cc compares them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <sstream>
#include <stop_token>
#include <string>
#include <vector>

#include "support/audit_database.h"

namespace turnstile::test {
namespace {

using testing::ElementsAre;

class GuideToAudit : public testing::Test {
 protected:
  static Options schema() {
    return {.migrations = {{1, "notes", "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT)"}}};
  }

  const AuditDatabase database_{schema()};
  const Database& db = *database_;
  const Lane notes = db.lane("notes");
  const Lane bulk = db.lane("bulk", {.priority = Priority::Bulk});
  const AuditKey key = audit_key();
};

TEST_F(GuideToAudit, ShowsHowEventsAreRecorded) {
  turnstile::AuditLog log(db.lane("audit"), {.key = key});
  log.start();
  log.record({.action = "note.delete",
              .actor = "ada",
              .subject = "note/7",
              .detail = R"({"title":"Shopping"})"});

  const bool safe = log.flush();  // All that was recorded before is committed.

  const std::int64_t id = log.record_sync({.action = "key.rotate"});  // Committed on return.

  notes.write([&](turnstile::WriteTx& tx) {
    tx.execute("DELETE FROM note WHERE id = 7");
    log.record(tx, {.action = "note.delete", .subject = "note/7"});  // Both, or neither.
  });
  EXPECT_TRUE(safe);
  EXPECT_EQ(id, 2);

  const turnstile::AuditStopReport report = log.stop(std::chrono::seconds(2));
  if (report.unwritten > 0) std::cerr << report.unwritten << " audit events are not written\n";
  EXPECT_EQ(report.unwritten, 0U);
  EXPECT_EQ(database_.count(), 3);
}

TEST_F(GuideToAudit, ShowsHowItIsRead) {
  turnstile::AuditLog log(db.lane("audit"), {.key = key});
  record_many(log, 3);
  std::vector<std::int64_t> shown;
  std::stop_source stop;
  const std::stop_token stop_token = stop.get_token();
  const auto show = [&](const AuditRecord& record) {
    shown.push_back(record.id);
    stop.request_stop();
  };
  const turnstile::AuditTrail trail = log.trail();
  for (const turnstile::AuditRecord& record : trail.list({.actor = "ada", .limit = 20}))
    std::cout << record.id << ' ' << record.event.action << '\n';

  turnstile::AuditTail tail = trail.tail();  // From now on, of all processes.
  log.record_sync({.action = "next"});
  while (const auto record = tail.next(stop_token))
    show(*record);
  EXPECT_THAT(shown, ElementsAre(4));
}

TEST_F(GuideToAudit, ShowsHowItIsVerified) {
  turnstile::AuditLog log(db.lane("audit"), {.key = key});
  record_many(log, 3);
  const turnstile::AuditTrail trail = log.trail();
  const AuditAnchor anchor = trail.anchor();
  const turnstile::AuditVerification verification = trail.verify({.anchor = anchor});
  for (const turnstile::AuditFinding& finding : verification.findings)
    std::cout << to_string(finding.flaw) << ": " << finding.message << '\n';

  const std::string word = trail.anchor().to_string();
  EXPECT_TRUE(verification.ok());
  EXPECT_EQ(AuditAnchor::parse(word), anchor);
}

TEST_F(GuideToAudit, ShowsHowItIsKeptSmall) {
  turnstile::AuditLog log(db.lane("audit"), {.key = key});
  record_many(log, 3);
  log.prune({.max_age = std::chrono::days(365), .max_events = 1'000'000}, {.lane = bulk});

  const turnstile::AuditTrail trail = log.trail();
  std::stringstream file;
  std::int64_t last_id = 1;
  const turnstile::AuditExport exported = trail.export_to(file, {.after = last_id});
  last_id = exported.end.id;
  EXPECT_EQ(last_id, 3);
  EXPECT_TRUE(turnstile::verify_audit_export(file, key).ok());
}

}  // namespace
}  // namespace turnstile::test
