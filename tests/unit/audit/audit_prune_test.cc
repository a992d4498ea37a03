// Retention: what is removed leaves a seal, and the rest still verifies.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/audit_database.h"
#include "support/thrown.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Time = std::chrono::system_clock::time_point;

constexpr Time kPruneNoon{std::chrono::sys_days{std::chrono::year(2026) / 3 / 1} + 12h};

class AuditPrune : public testing::Test {
 protected:
  void record_at(Time time) { log_.record_sync({.action = "act", .time = time}); }
  [[nodiscard]] std::vector<std::string> verify() const {
    return findings_of(log_.trail().verify());
  }

  Time now_ = kPruneNoon;
  const AuditDatabase db_;
  AuditLog log_{db_.lane(), [this] {
                  AuditOptions options = with_key(audit_key());
                  options.now = [this] { return now_; };
                  return options;
                }()};
};

// AUD-08: by count.
TEST_F(AuditPrune, KeepsTheNewestEvents) {
  record_many(log_, 10);
  const AuditPruneReport report = log_.prune({.max_events = 3});
  EXPECT_EQ(report.removed, 7);
  EXPECT_EQ(db_.count(), 3);
  EXPECT_EQ(db_.count("id > 7"), 3);
  EXPECT_THAT(verify(), IsEmpty());
}

// AUD-08: by age.
TEST_F(AuditPrune, RemovesEventsThatAreTooOld) {
  for (const auto age : {50h, 49h, 48h, 47h, 1h})
    record_at(kPruneNoon - age);
  EXPECT_EQ(log_.prune({.max_age = 48h}).removed, 2);
  EXPECT_EQ(db_.count("id >= 3"), 3);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(AuditPrune, RemovesWhatIsTooOldOrTooMuch) {
  for (const auto age : {50h, 3h, 2h, 1h})
    record_at(kPruneNoon - age);
  EXPECT_EQ(log_.prune({.max_age = 48h, .max_events = 2}).removed, 2);
  EXPECT_EQ(log_.prune({.max_age = 90min, .max_events = 3}).removed, 1);
}

TEST_F(AuditPrune, StopsAtTheFirstEventThatIsYoungEnough) {
  for (const auto age : {50h, 1h, 50h})
    record_at(kPruneNoon - age);
  EXPECT_EQ(log_.prune({.max_age = 48h}).removed, 1);
}

TEST_F(AuditPrune, SaysWhatItSealed) {
  for (const auto age : {5h, 4h, 3h, 2h})
    record_at(kPruneNoon - age);
  const AuditRecord third = log_.trail().get(3).value();
  const AuditSegment segment = log_.prune({.max_events = 1}).segment.value();
  EXPECT_EQ(segment.id, 1);
  EXPECT_EQ(segment.first_id, 1);
  EXPECT_EQ(segment.last_id, 3);
  EXPECT_EQ(segment.events, 3);
  EXPECT_EQ(segment.flaws, 0);
  EXPECT_EQ(segment.first_time, kPruneNoon - 5h);
  EXPECT_EQ(segment.last_time, kPruneNoon - 3h);
  EXPECT_EQ(segment.sealed_at, kPruneNoon);
  EXPECT_EQ(segment.last_hash, third.hash);
  EXPECT_THAT(log_.trail().segments(), ElementsAre(segment));
  EXPECT_THAT(log_.trail().verify().segments, ElementsAre(segment));
  EXPECT_EQ(log_.trail().verify().sealed, 3);
}

TEST_F(AuditPrune, DoesNothingWhenThereIsNothingToRemove) {
  EXPECT_EQ(log_.prune({.max_events = 3}).removed, 0);
  record_many(log_, 3);
  const AuditPruneReport report = log_.prune({.max_events = 3});
  EXPECT_EQ(report.removed, 0);
  EXPECT_EQ(report.transactions, 0);
  EXPECT_FALSE(report.segment);
  EXPECT_THAT(log_.trail().segments(), IsEmpty());
}

TEST_F(AuditPrune, MayRemoveAllAndTheChainGoesOn) {
  record_many(log_, 5);
  EXPECT_EQ(log_.prune({.max_events = 0}).removed, 5);
  EXPECT_THAT(verify(), IsEmpty());
  EXPECT_EQ(log_.record_sync({.action = "next"}), 6);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(AuditPrune, GoesOnWithASegmentThatIsSmall) {
  record_many(log_, 6);
  log_.prune({.max_events = 4});
  log_.prune({.max_events = 1});
  const std::vector<AuditSegment> segments = log_.trail().segments();
  ASSERT_EQ(segments.size(), 1U);
  EXPECT_EQ(segments.front().last_id, 5);
  EXPECT_EQ(segments.front().events, 5);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(AuditPrune, BeginsAnotherSegmentWhenTheLastOneIsLarge) {
  record_many(log_, 1);
  AuditOptions options = with_key(audit_key());
  options.queue_limit = 100'000;
  AuditLog log(db_.lane(), options);
  for (int i = 0; i < 10'003; ++i)
    log.record({.action = "act"});
  log.start();
  ASSERT_TRUE(log.flush(30s));
  EXPECT_EQ(log.prune({.max_events = 4}).removed, 10'000);
  EXPECT_EQ(log.prune({.max_events = 2}).removed, 2);
  const std::vector<AuditSegment> segments = log.trail().segments();
  ASSERT_EQ(segments.size(), 2U);
  EXPECT_EQ(segments[1].first_id, segments[0].last_id + 1);
  EXPECT_EQ(segments[1].previous_hash, segments[0].last_hash);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(AuditPrune, NeedsSomethingToKeep) {
  for (const AuditRetention& retention :
       {AuditRetention{}, AuditRetention{.max_age = -1s}, AuditRetention{.max_events = -1}})
    EXPECT_EQ(thrown<MisuseError>([&] { log_.prune(retention); }).code(), "OPTION_INVALID");
}

TEST_F(AuditPrune, DoesNotCoverUpWhatWasChanged) {
  record_many(log_, 10);
  db_.raw("UPDATE audit_event SET actor = 'x' WHERE id = 3");
  const auto error = thrown<Error>([&] { log_.prune({.max_events = 2}); });
  EXPECT_EQ(error.code(), "AUDIT_CHAIN_BROKEN");
  EXPECT_THAT(std::string(error.message()), HasSubstr("event 3 was changed"));
  EXPECT_EQ(db_.count(), 10);
}

TEST_F(AuditPrune, DoesNotCoverUpWhatIsMissing) {
  record_many(log_, 10);
  db_.raw("DELETE FROM audit_event WHERE id <= 2");
  EXPECT_THAT(std::string(thrown<Error>([&] { log_.prune({.max_events = 2}); }).message()),
              HasSubstr("events 1 to 2 are missing"));
}

TEST_F(AuditPrune, DoesNotCoverUpASealThatWasChanged) {
  record_many(log_, 10);
  log_.prune({.max_events = 5});
  db_.raw("UPDATE audit_segment SET last_hash = randomblob(32)");
  EXPECT_THAT(std::string(thrown<Error>([&] { log_.prune({.max_events = 2}); }).message()),
              HasSubstr("segment 1 was changed"));
}

TEST_F(AuditPrune, RemovesFlawsOnDemandAndSaysSoInTheSeal) {
  record_many(log_, 10);
  db_.raw("UPDATE audit_event SET actor = 'x' WHERE id = 3; DELETE FROM audit_event WHERE id = 5");
  const AuditPruneReport report = log_.prune({.max_events = 2}, {.even_if_broken = true});
  EXPECT_EQ(report.removed, 7);
  EXPECT_EQ(report.segment.value().flaws, 2);
  EXPECT_EQ(report.segment.value().last_id, 8);
  EXPECT_THAT(verify(), ElementsAre("segment 1"));
  EXPECT_THAT(log_.trail().verify().findings.front().message,
              HasSubstr("seals damage; findings: 2"));
}

TEST_F(AuditPrune, RemovesWhatSomebodyPutBelowASealOnDemand) {
  record_many(log_, 10);
  log_.prune({.max_events = 5});
  db_.raw(
      "INSERT INTO audit_event SELECT 2, time, actor, action, subject, detail, trace, session, "
      "previous_hash, hash FROM audit_event WHERE id = 10");
  EXPECT_THROW(log_.prune({.max_events = 5}), Error);
  log_.prune({.max_events = 5}, {.even_if_broken = true});
  EXPECT_EQ(db_.count("id < 6"), 0);
  const AuditSegment segment = log_.trail().segments().front();
  EXPECT_EQ(segment.last_id, 5);
  EXPECT_EQ(segment.flaws, 1);
}

TEST_F(AuditPrune, WorksOnTheLaneThatItIsGiven) {
  record_many(log_, 10);
  const Lane bulk = db_->lane("bulk", {.priority = Priority::Bulk});
  log_.prune({.max_events = 2}, {.lane = bulk});
  EXPECT_THAT(verify(), IsEmpty());
  const Metrics metrics = db_->metrics();
  const auto found = std::find_if(metrics.lanes.begin(), metrics.lanes.end(),
                                  [](const auto& lane) { return lane.name == "bulk"; });
  ASSERT_NE(found, metrics.lanes.end());
  EXPECT_GE(found->writes, 1U);
}

TEST_F(AuditPrune, TellsHowFarItIs) {
  record_many(log_, 10);
  std::vector<std::int64_t> told;
  const auto progress = [&](const Progress& step) { told.push_back(step.done); };
  log_.prune({.max_events = 2}, {.progress = progress});
  EXPECT_THAT(told, ElementsAre(8));
}

TEST_F(AuditPrune, EndsWhenItsProgressThrowsAndKeepsWhatItHasDone) {
  record_many(log_, 10);
  const auto progress = [](const Progress&) { throw std::runtime_error("enough"); };
  EXPECT_THROW(log_.prune({.max_events = 2}, {.progress = progress}), std::runtime_error);
  EXPECT_EQ(db_.count(), 2);
  EXPECT_THAT(verify(), IsEmpty());
}

TEST_F(AuditPrune, EndsWhenItIsStopped) {
  record_many(log_, 10);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THROW(log_.prune({.max_events = 2}, {.stop = stop.get_token()}), Cancelled);
  EXPECT_EQ(db_.count(), 10);
}

}  // namespace
}  // namespace turnstile::test
