// What happens to events while they cannot be written: a queue that is full, a stop, failures.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "support/audit_database.h"
#include "support/busy_writer.h"
#include "support/interleaving.h"
#include "support/log_events.h"
#include "support/thrown.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

AuditOptions limited_to(std::size_t events, AuditWhenFull when_full = AuditWhenFull::Drop) {
  AuditOptions options;
  options.queue_limit = events;
  options.when_full = when_full;
  return options;
}

std::vector<std::string> queued_actions_in(const AuditLog& log) {
  std::vector<std::string> actions;
  for (const AuditRecord& record : log.trail().list({.limit = 10'000}))
    actions.insert(actions.begin(), record.event.action);
  return actions;
}

// AUD-04: queue of 1024, 10 000 events, nobody writes.
TEST(AuditQueue, CountsWhatItDropsAndRecordsTheGap) {
  const AuditDatabase db;
  AuditLog log(db.lane(), limited_to(1024));
  for (int i = 0; i < 10'000; ++i)
    log.record({.action = "act"});
  EXPECT_EQ(log.stats().queued, 1024U);
  EXPECT_EQ(log.stats().dropped, 10'000U - 1024U);
  log.start();
  ASSERT_TRUE(log.flush());
  EXPECT_EQ(db.count(), 1025);
  const AuditRecord gap = log.trail().get(1025).value();
  EXPECT_EQ(gap.event.action, "audit.gap");
  EXPECT_THAT(gap.event.detail, HasSubstr(R"("dropped":8976)"));
  EXPECT_EQ(log.trail().verify().gaps, 1);
  EXPECT_TRUE(log.trail().verify().ok());
}

TEST(AuditQueue, PutsAGapWhereTheEventsWouldHaveBeen) {
  const AuditDatabase db;
  LogEvents told;
  AuditOptions options = limited_to(2);
  options.log_sink = told.sink();
  AuditLog log(db.lane(), options);
  AtPoint writes("AuditWriter::write_group", 1);
  for (const char* action : {"one", "two", "dropped", "dropped"})
    log.record({.action = action});
  log.start();
  // The queue is full for as long as what it held is not committed.
  writes.wait_until_reached();
  log.record({.action = "dropped"});
  writes.release();
  ASSERT_TRUE(log.flush());
  log.record({.action = "three"});
  ASSERT_TRUE(log.flush());
  EXPECT_THAT(queued_actions_in(log), ElementsAre("one", "two", "audit.gap", "audit.gap", "three"));
  EXPECT_EQ(log.stats().dropped, 3U);
  EXPECT_THAT(told.of("AUDIT_DROPPED"),
              ElementsAre(HasSubstr("events dropped: 2"), HasSubstr("events dropped: 1")));
}

TEST(AuditQueue, FailsWhenItIsFullIfThatIsAskedFor) {
  const AuditDatabase db;
  AuditLog log(db.lane(), limited_to(1, AuditWhenFull::Fail));
  log.record({.action = "one"});
  const auto error = thrown<QueueFull>([&] { log.record({.action = "two"}); });
  EXPECT_EQ(error.code(), "AUDIT_QUEUE_FULL");
  EXPECT_TRUE(error.retry_is_safe());
  EXPECT_EQ(log.stats().refused, 1U);
  log.start();
  ASSERT_TRUE(log.flush());
  log.record({.action = "two"});
  ASSERT_TRUE(log.flush());
  EXPECT_THAT(queued_actions_in(log), ElementsAre("one", "two"));
}

TEST(AuditQueue, WaitsForRoomIfThatIsAskedFor) {
  const AuditDatabase db;
  AuditOptions options = limited_to(1, AuditWhenFull::Wait);
  options.wait = 1h;
  AuditLog log(db.lane(), options);
  log.record({.action = "one"});
  AtPoint waits("EventQueue::put:waits");
  auto second = std::async(std::launch::async, [&] { log.record({.action = "two"}); });
  waits.wait_until_reached();
  log.start();
  second.get();
  ASSERT_TRUE(log.flush());
  EXPECT_THAT(queued_actions_in(log), ElementsAre("one", "two"));
}

TEST(AuditQueue, WaitsForRoomNoLongerThanAllowed) {
  const AuditDatabase db;
  AuditOptions options = limited_to(1, AuditWhenFull::Wait);
  options.wait = 30ms;
  AuditLog log(db.lane(), options);
  log.record({.action = "one"});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THROW(log.record({.action = "two"}), QueueFull);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 30ms);
}

TEST(AuditQueue, EndsTheWaitForRoomWhenTheLogIsStopped) {
  const AuditDatabase db;
  AuditOptions options = limited_to(1, AuditWhenFull::Wait);
  options.wait = 1h;
  AuditLog log(db.lane(), options);
  log.record({.action = "one"});
  AtPoint waits("EventQueue::put:waits");
  auto second = std::async(std::launch::async,
                           [&] { EXPECT_THROW(log.record({.action = "two"}), QueueFull); });
  waits.wait_until_reached();
  log.stop();
  second.get();
}

TEST(AuditQueue, IsLimitedInBytesToo) {
  const AuditDatabase db;
  AuditOptions options = limited_to(1000, AuditWhenFull::Fail);
  options.queue_limit_bytes = 100'000;
  AuditLog log(db.lane(), options);
  const std::string detail = '"' + std::string(60'000, 'x') + '"';
  log.record({.action = "one", .detail = detail});
  EXPECT_THROW(log.record({.action = "two", .detail = detail}), QueueFull);
  log.record({.action = "small"});
}

TEST(AuditQueue, TakesAnEventThatIsLargerThanTheLimitWhenItIsAlone) {
  const AuditDatabase db;
  AuditOptions options = limited_to(1000, AuditWhenFull::Fail);
  options.queue_limit_bytes = 1000;
  AuditLog log(db.lane(), options);
  log.record({.action = "one", .detail = '"' + std::string(60'000, 'x') + '"'});
  EXPECT_THROW(log.record({.action = "two"}), QueueFull);
}

// ---- Stopping ----

TEST(AuditStop, WritesWhatIsQueued) {
  const AuditDatabase db;
  AuditOptions options;
  options.linger = 1h;
  AuditLog log(db.lane(), options);
  log.start();
  for (int i = 0; i < 1000; ++i)
    log.record({.action = "act"});
  const AuditStopReport report = log.stop();
  EXPECT_EQ(report.unwritten, 0U);
  EXPECT_EQ(db.count(), 1000);
}

TEST(AuditStop, MayBeCalledAgain) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  log.start();
  log.start();
  log.record({.action = "one"});
  EXPECT_EQ(log.stop().unwritten, 0U);
  const AuditStopReport again = log.stop();
  EXPECT_EQ(again.written + again.unwritten, 0U);
}

TEST(AuditStop, KeepsWhatItCannotWriteForTheNextStart) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  log.start();
  AuditStopReport report;
  {
    const BusyWriter busy(db.lane("busy"));
    for (const char* action : {"one", "two"})
      log.record({.action = action});
    report = log.stop(20ms);
  }
  EXPECT_EQ(report.written, 0U);
  EXPECT_EQ(report.unwritten, 2U);
  EXPECT_EQ(db.count(), 0);
  log.start();
  log.record({.action = "three"});
  ASSERT_TRUE(log.flush());
  EXPECT_THAT(queued_actions_in(log), ElementsAre("one", "two", "three"));
  EXPECT_EQ(log.stats().failures, 0U);
}

TEST(AuditStop, RefusesEventsAfterwards) {
  const AuditDatabase db;
  AuditLog log(db.lane(), limited_to(10, AuditWhenFull::Fail));
  log.start();
  log.stop();
  EXPECT_EQ(thrown<QueueFull>([&] { log.record({.action = "late"}); }).code(), "AUDIT_QUEUE_FULL");
}

TEST(AuditStop, LeavesAGapForWhatCameLateIfTheLogIsStartedAgain) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  log.start();
  log.stop();
  log.record({.action = "late"});
  log.record({.action = "late"});
  log.start();
  ASSERT_TRUE(log.flush());
  EXPECT_THAT(queued_actions_in(log), ElementsAre("audit.gap"));
  EXPECT_THAT(log.trail().get(1).value().event.detail, HasSubstr(R"("dropped":2)"));
}

TEST(AuditStop, IsDoneByTheEndWhichTellsWhatIsLost) {
  const AuditDatabase db;
  LogEvents told;
  AuditOptions options;
  options.log_sink = told.sink();
  {
    AuditLog log(db.lane(), options);
    log.record({.action = "never written"});
  }
  EXPECT_THAT(told.of("AUDIT_UNWRITTEN"), ElementsAre(HasSubstr("has not written: 1,")));
  {
    AuditLog log(db.lane(), options);
    log.start();
    log.record({.action = "written"});
  }
  EXPECT_EQ(told.count("AUDIT_UNWRITTEN"), 1U);
  EXPECT_EQ(db.count(), 1);
}

TEST(AuditStop, DoesNotWaitForADatabaseThatIsClosed) {
  AuditDatabase db;
  AuditLog log(db.lane());
  log.start();
  db->close();
  log.record({.action = "lost"});
  EXPECT_FALSE(log.stop(1h).written);
  EXPECT_EQ(log.stats().failures, 1U);
}

// ---- Failures ----

// AUD-06: counted, told, tried again; nothing is lost.
TEST(AuditFailure, IsCountedToldAndRetriedUntilItPasses) {
  const AuditDatabase db;
  LogEvents told;
  AuditOptions options;
  options.log_sink = told.sink();
  AuditLog log(db.lane(), options);
  db.raw("ALTER TABLE audit_event RENAME TO elsewhere");
  log.start();
  AtPoint tried("AuditWriter::write_group");
  log.record({.action = "one"});
  tried.wait_until_reached(3);
  EXPECT_FALSE(log.flush(0ms));
  // In the turn, because the log may just be trying.
  db.lane("other").write(
      [](WriteTx& tx) { tx.execute("ALTER TABLE elsewhere RENAME TO audit_event"); });
  ASSERT_TRUE(log.flush(30s));
  EXPECT_THAT(queued_actions_in(log), ElementsAre("one"));
  EXPECT_GE(log.stats().failures, 2U);
  EXPECT_THAT(told.of("AUDIT_WRITE_FAILED").front(), HasSubstr("no such table"));
  log.stop();
  EXPECT_EQ(told.count("AUDIT_WRITE_RESUMED"), 1U);
}

TEST(AuditFailure, DoesNotKeepAStopFromEnding) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  db.raw("ALTER TABLE audit_event RENAME TO elsewhere");
  log.start();
  AtPoint tried("AuditWriter::write_group");
  log.record({.action = "one"});
  tried.wait_until_reached(1);
  EXPECT_EQ(log.stop(50ms).unwritten, 1U);
}

TEST(AuditFailure, OfTheLogSinkHarmsNobody) {
  const AuditDatabase db;
  AuditOptions options = limited_to(1);
  options.log_sink = [](const LogEvent&) { throw std::runtime_error("no"); };
  AuditLog log(db.lane(), options);
  log.record({.action = "one"});
  log.record({.action = "dropped"});
  log.start();
  ASSERT_TRUE(log.flush());
  log.record({.action = "two"});
  ASSERT_TRUE(log.flush());
  EXPECT_THAT(queued_actions_in(log), ElementsAre("one", "audit.gap", "two"));
}

TEST(AuditStats, TellHowLateTheLatestEventWas) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  log.start();
  {
    BusyWriter busy(db.lane("busy"));
    log.record({.action = "late"});
    // sleep: the time that an event waits is what is measured.
    std::this_thread::sleep_for(30ms);
  }
  ASSERT_TRUE(log.flush());
  EXPECT_GE(log.stats().longest_lag, 30ms);
}

}  // namespace
}  // namespace turnstile::test
