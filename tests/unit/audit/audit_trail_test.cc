// Reading a log: lists, following, verifying while others write.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "support/audit_database.h"
#include "support/thrown.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using Time = std::chrono::system_clock::time_point;

std::vector<std::int64_t> ids(const std::vector<AuditRecord>& records) {
  std::vector<std::int64_t> result;
  for (const AuditRecord& record : records)
    result.push_back(record.id);
  return result;
}

class AuditList : public testing::Test {
 protected:
  AuditList() {
    const auto at = [](int hour) { return kDay + std::chrono::hours(hour); };
    log_.record_sync({.action = "login", .actor = "ada", .session = "s1", .time = at(1)});
    log_.record_sync(
        {.action = "edit", .actor = "ada", .subject = "n/1", .trace = "t", .time = at(2)});
    log_.record_sync({.action = "login", .actor = "bob", .session = "s2", .time = at(3)});
    log_.record_sync({.action = "edit", .actor = "bob", .subject = "n/2", .time = at(4)});
    log_.record_sync({.action = "edit", .actor = "bob", .subject = "n/1", .time = at(5)});
  }
  [[nodiscard]] std::vector<std::int64_t> list(const AuditQuery& query) const {
    return ids(log_.trail().list(query));
  }

  static constexpr Time kDay{std::chrono::sys_days{std::chrono::year(2026) / 3 / 1}};
  const AuditDatabase db_;
  AuditLog log_{db_.lane()};
};

TEST_F(AuditList, IsNewestFirst) {
  EXPECT_THAT(list({}), ElementsAre(5, 4, 3, 2, 1));
}

TEST_F(AuditList, GivesPages) {
  EXPECT_THAT(list({.limit = 2}), ElementsAre(5, 4));
  EXPECT_THAT(list({.before = 4, .limit = 2}), ElementsAre(3, 2));
  EXPECT_THAT(list({.before = 2, .limit = 2}), ElementsAre(1));
  EXPECT_THAT(list({.before = 1}), IsEmpty());
  EXPECT_THAT(list({.limit = 0}), IsEmpty());
}

TEST_F(AuditList, IsFiltered) {
  EXPECT_THAT(list({.action = "edit"}), ElementsAre(5, 4, 2));
  EXPECT_THAT(list({.actor = "ada"}), ElementsAre(2, 1));
  EXPECT_THAT(list({.subject = "n/1"}), ElementsAre(5, 2));
  EXPECT_THAT(list({.trace = "t"}), ElementsAre(2));
  EXPECT_THAT(list({.session = "s2"}), ElementsAre(3));
  EXPECT_THAT(list({.action = "edit", .actor = "bob", .subject = "n/1"}), ElementsAre(5));
  EXPECT_THAT(list({.actor = "nobody"}), IsEmpty());
}

TEST_F(AuditList, IsOfATimeFromTheFirstMomentToBeforeTheLast) {
  EXPECT_THAT(list({.from = kDay + 2h, .until = kDay + 4h}), ElementsAre(3, 2));
}

TEST_F(AuditList, GivesNothingForAnIdThatIsNotThere) {
  EXPECT_FALSE(log_.trail().get(6));
  EXPECT_EQ(log_.trail().get(5).value().event.subject, "n/1");
}

TEST_F(AuditList, CanBeReadWhereTheFileIsReadOnly) {
  const Database read_only = Database::open(db_.file() + "", {.mode = OpenMode::ReadWriteCreate});
  const AuditTrail trail(read_only.lane("reader"));
  EXPECT_EQ(trail.list().size(), 5U);
  EXPECT_TRUE(trail.verify().ok());
}

// ---- Following ----

TEST(AuditTail, GivesWhatIsRecordedFromNowOn) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  record_many(log, 3);
  AuditTail tail = log.trail().tail();
  EXPECT_FALSE(tail.next_for(0ms));
  record_many(log, 2);
  EXPECT_EQ(tail.next().value().id, 4);
  EXPECT_EQ(tail.next().value().id, 5);
  EXPECT_FALSE(tail.next_for(0ms));
}

TEST(AuditTail, GivesWhatIsBehindAnId) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  record_many(log, 3);
  AuditTail tail = log.trail().tail(1);
  EXPECT_EQ(tail.next().value().id, 2);
  EXPECT_EQ(tail.next().value().id, 3);
  log.record_sync({.action = "next"});
  EXPECT_EQ(tail.next().value().event.action, "next");
}

TEST(AuditTail, SleepsUntilSomebodyRecords) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  AuditTail tail = log.trail().tail();
  auto next = std::async(std::launch::async, [&] { return tail.next(); });
  EXPECT_EQ(next.wait_for(20ms), std::future_status::timeout);
  log.record_sync({.action = "act"});
  EXPECT_EQ(next.get().value().id, 1);
}

TEST(AuditTail, IsWokenByAStop) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  AuditTail tail = log.trail().tail();
  std::stop_source stop;
  auto next = std::async(std::launch::async, [&] { return tail.next(stop.get_token()); });
  stop.request_stop();
  EXPECT_FALSE(next.get());
  log.record_sync({.action = "act"});
  EXPECT_EQ(tail.next().value().id, 1);
}

TEST(AuditTail, MissesNothingAndGivesNothingTwice) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  log.start();
  AuditTail tail = log.trail().tail();
  constexpr int kEach = 500;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&log] {
      for (int i = 0; i < kEach; ++i)
        log.record({.action = "act"});
    });
  }
  for (std::int64_t expected = 1; expected <= 2 * kEach; ++expected)
    ASSERT_EQ(tail.next_for(30s).value().id, expected);
  EXPECT_FALSE(tail.next_for(0ms));
}

TEST(AuditTail, JumpsOverWhatWasPruned) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  AuditTail tail = log.trail().tail();
  record_many(log, 5);
  log.prune({.max_events = 2});
  EXPECT_EQ(tail.next().value().id, 4);
}

// ---- Verifying ----

TEST(AuditVerify, TellsHowFarItIs) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  AuditOptions options;
  for (int i = 0; i < 2500; ++i)
    log.record({.action = "act"});
  log.start();
  ASSERT_TRUE(log.flush(30s));
  std::vector<std::int64_t> done;
  static_cast<void>(log.trail().verify({.progress = [&](const Progress& progress) {
    EXPECT_EQ(progress.phase, "verify");
    EXPECT_EQ(progress.total, 2500);
    done.push_back(progress.done);
  }}));
  EXPECT_THAT(done, ElementsAre(1000, 2000, 2500, 2500));
}

TEST(AuditVerify, EndsWhenItIsStopped) {
  const AuditDatabase db;
  AuditLog log(db.lane());
  record_many(log, 3);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW((void)log.trail().verify({.stop = stop.get_token()}), Cancelled);
}

// Between its reads others record and prune, up to and over where it is.
TEST(AuditVerify, IsNotConfusedByWhatIsDoneMeanwhile) {
  const AuditDatabase db;
  AuditLog log(db.lane(), with_key(audit_key()));
  for (int i = 0; i < 2500; ++i)
    log.record({.action = "act"});
  log.start();
  ASSERT_TRUE(log.flush(30s));
  for (const std::int64_t kept : {2200, 600, 10}) {
    bool done = false;
    const AuditVerification verification = log.trail().verify({.progress = [&](const Progress&) {
      if (std::exchange(done, true)) return;
      log.record_sync({.action = "more"});
      log.prune({.max_events = kept});
    }});
    EXPECT_THAT(findings_of(verification), IsEmpty()) << kept;
  }
}

TEST(AuditVerify, IsNotConfusedWhenAllIsPrunedMeanwhile) {
  const AuditDatabase db;
  AuditLog log(db.lane(), with_key(audit_key()));
  for (int i = 0; i < 1500; ++i)
    log.record({.action = "act"});
  log.start();
  ASSERT_TRUE(log.flush(30s));
  bool done = false;
  const AuditVerification verification = log.trail().verify({.progress = [&](const Progress&) {
    if (std::exchange(done, true)) return;
    record_many(log, 5);
    log.prune({.max_events = 0});
  }});
  EXPECT_THAT(findings_of(verification), IsEmpty());
}

}  // namespace
}  // namespace turnstile::test
