// How a host ends: deadlines, hung components, stops during the start, and the database last.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <latch>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/child_process.h"
#include "support/component_trail.h"
#include "support/held.h"
#include "support/interleaving.h"
#include "support/log_events.h"
#include "support/soon.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "turnstile/host.h"

namespace turnstile::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class HostStop : public testing::Test {
 protected:
  HostStop() { open({}); }

  void open(HostOptions options) {
    options.data_directory = folder_.path() / "data";
    options.log_sink = events_.sink();
    host_.reset();
    host_ = std::make_unique<Host>(std::move(options));
  }

  /// A component whose stop does not return until `go`.
  [[nodiscard]] Component hanging(const std::string& name) {
    Component component = trail_.component(name);
    component.stop = [this, name](std::chrono::milliseconds) {
      trail_.add("-" + name);
      go_.wait();
      trail_.add("." + name);
    };
    component.stop_deadline = 20ms;
    return component;
  }

  TempDir folder_;
  LogEvents events_;
  ComponentTrail trail_;
  std::latch go_{1};  // Outlives the threads that wait for it, which the host joins.
  std::unique_ptr<Host> host_;
};

// LIFE-03: one that hangs does not keep the others from being stopped.
TEST_F(HostStop, DoesNotWaitForAHungComponentBeyondItsDeadline) {
  host_->add(trail_.component("first"));
  Component hung = hanging("hung");
  hung.stop_deadline = 200ms;
  host_->add(hung);
  host_->add(trail_.component("last"));
  host_->start();
  const auto began = std::chrono::steady_clock::now();
  const HostStopReport report = host_->stop();
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_GE(took, 200ms);
  EXPECT_LE(took, patience(300ms));
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(status_of(report.components, "hung").state, ComponentState::Hung);
  EXPECT_THAT(status_of(report.components, "hung").reason, HasSubstr("has not returned after"));
  EXPECT_EQ(status_of(report.components, "first").state, ComponentState::Stopped);
  EXPECT_THAT(trail_.steps(), ElementsAre("+first", "+hung", "+last", "-last", "-hung", "-first"));
  EXPECT_EQ(events_.count("COMPONENT_HUNG"), 1U);
  EXPECT_FALSE(report.database_failure);
  go_.count_down();
  host_.reset();
  EXPECT_EQ(trail_.steps().back(), ".hung");
}

TEST_F(HostStop, SaysLaterThatAHungComponentHasReturned) {
  host_->add(hanging("hung"));
  host_->start();
  EXPECT_EQ(status_of(host_->stop().components, "hung").state, ComponentState::Hung);
  go_.count_down();
  ComponentStatus status;
  EXPECT_TRUE(soon([&] {
    status = status_of(host_->stop().components, "hung");
    return status.state != ComponentState::Hung;
  }));
  EXPECT_EQ(status.state, ComponentState::Stopped);
  EXPECT_THAT(status.reason, HasSubstr("its stop returned after "));
}

TEST_F(HostStop, KeepsWhatAHungComponentUses) {
  struct Slow {
    void start() {}
    void stop(std::chrono::milliseconds) {
      go->wait();
      value = 1;  // Would be found by a sanitizer if it were gone.
    }
    std::shared_ptr<std::latch> go;
    int value = 0;
  };
  auto go = std::make_shared<std::latch>(1);
  auto part = std::make_shared<Slow>();
  part->go = go;
  const std::weak_ptr<Slow> observer = part;
  Component component = component_of("part", ComponentPriority::Core, std::move(part));
  component.stop_deadline = 1ms;
  host_->add(std::move(component));
  host_->start();
  host_->stop();
  EXPECT_FALSE(observer.expired());
  std::thread releaser([go] { go->count_down(); });
  host_.reset();
  EXPECT_TRUE(observer.expired());
  releaser.join();
}

TEST_F(HostStop, GoesOnWhenAStopThrows) {
  host_->add(trail_.component("first"));
  Component throwing = trail_.component("throwing");
  throwing.stop = [](std::chrono::milliseconds) { throw std::runtime_error("stuck"); };
  host_->add(throwing);
  Component odd = trail_.component("odd");
  odd.stop = [](std::chrono::milliseconds) { throw 1; };
  host_->add(odd);
  host_->start();
  const HostStopReport report = host_->stop();
  EXPECT_FALSE(report.complete());
  EXPECT_EQ(status_of(report.components, "throwing").state, ComponentState::StopFailed);
  EXPECT_EQ(status_of(report.components, "throwing").reason, "stuck");
  EXPECT_EQ(status_of(report.components, "odd").state, ComponentState::StopFailed);
  EXPECT_EQ(trail_.steps().back(), "-first");
  EXPECT_EQ(events_.count("COMPONENT_STOP_FAILED"), 2U);
}

TEST_F(HostStop, SaysTheSameWhenItIsCalledAgain) {
  host_->add(trail_.component("one"));
  host_->start();
  const HostStopReport first = host_->stop();
  const HostStopReport second = host_->stop();
  EXPECT_EQ(second.duration, first.duration);
  EXPECT_EQ(second.database.checkpointed, first.database.checkpointed);
  EXPECT_THAT(trail_.steps(), ElementsAre("+one", "-one"));
}

TEST_F(HostStop, IsDoneOnceWhenSeveralThreadsCallIt) {
  Component slow = trail_.component("slow");
  slow.stop = [this](std::chrono::milliseconds) {
    go_.wait();
    trail_.add("-slow");
  };
  slow.stop_deadline = patience();
  host_->add(slow);
  host_->start();
  std::vector<std::future<HostStopReport>> calls;
  for (int call = 0; call < 3; ++call)
    calls.push_back(std::async(std::launch::async, [this] { return host_->stop(); }));
  go_.count_down();
  for (auto& call : calls)
    EXPECT_EQ(status_of(call.get().components, "slow").state, ComponentState::Stopped);
  EXPECT_THAT(trail_.steps(), ElementsAre("+slow", "-slow"));
}

TEST_F(HostStop, HappensAtTheEndOfTheHost) {
  host_->add(trail_.component("one"));
  host_->start();
  const Lane lane = host_->lane("x");
  host_.reset();
  EXPECT_THAT(trail_.steps(), ElementsAre("+one", "-one"));
  EXPECT_EQ(thrown<MisuseError>([&] { lane.read([](ReadTx&) {}); }).code(), "DB_CLOSED");
}

TEST_F(HostStop, EndsTheStartOfAnotherThreadAtItsNextComponent) {
  host_->add(trail_.component("one"));
  std::latch entered(1);
  Component slow = trail_.component("slow");
  slow.start = [this, &entered] {
    std::latch requested(1);
    const std::stop_callback told(host_->stop_token(), [&requested] { requested.count_down(); });
    entered.count_down();
    requested.wait();
    trail_.add("+slow");
  };
  slow.stop_deadline = patience();
  host_->add(slow);
  host_->add(trail_.component("never"));
  auto start = std::async(std::launch::async, [this] { host_->start(); });
  entered.wait();
  EXPECT_TRUE(host_->stop().complete());
  EXPECT_THROW(start.get(), Cancelled);
  EXPECT_THAT(trail_.steps(), ElementsAre("+one", "+slow", "-slow", "-one"));
}

TEST_F(HostStop, GivesUpAStartThatDoesNotReturn) {
  host_->add(trail_.component("one"));
  std::latch entered(1);
  Component stuck = trail_.component("stuck");
  stuck.start = [&] {
    entered.count_down();
    go_.wait();
    trail_.add("+stuck");
  };
  stuck.stop_deadline = 20ms;
  host_->add(stuck);
  auto start = std::async(std::launch::async, [this] { host_->start(); });
  entered.wait();
  const HostStopReport report = host_->stop();
  EXPECT_EQ(status_of(report.components, "stuck").state, ComponentState::Hung);
  EXPECT_EQ(status_of(report.components, "stuck").reason, "its start has not returned");
  EXPECT_THAT(trail_.steps(), ElementsAre("+one", "-one"));
  EXPECT_TRUE(report.database.was_last_handle);
  go_.count_down();
  EXPECT_THROW(start.get(), Cancelled);
  EXPECT_THAT(trail_.steps(), ElementsAre("+one", "-one", "+stuck", "-stuck"));
  EXPECT_EQ(status_of(host_->stop().components, "stuck").state, ComponentState::Stopped);
}

// The start has returned, but its thread has not come to say so when its time is up.
TEST_F(HostStop, StopsOnceAComponentWhoseStartReturnsAtTheLastMoment) {
  Component late = trail_.component("late");
  late.stop_deadline = 0ms;
  host_->add(late);
  AtPoint returned("HostCore::start_one:returned", 1);
  auto start = std::async(std::launch::async, [this] { host_->start(); });
  returned.wait_until_reached();
  (void)host_->stop();
  returned.release();
  EXPECT_THROW(start.get(), Cancelled);
  EXPECT_THAT(trail_.steps(), ElementsAre("+late", "-late"));
}

TEST_F(HostStop, DoesNotStartAgainWhatHangs) {
  host_->add(hanging("hung"));
  host_->add(trail_.failing("failing", "no luck"));
  EXPECT_THROW(host_->start(), StartError);
  const auto error = thrown<MisuseError>([this] { host_->start(); });
  EXPECT_EQ(error.code(), "COMPONENT_STILL_RUNNING");
  EXPECT_THAT(error.what(), HasSubstr("'hung'"));
  go_.count_down();
}

TEST_F(HostStop, IsNotForComponentsThemselves) {
  std::vector<std::string> codes;
  const auto call = [this, &codes] {
    codes.emplace_back(thrown<MisuseError>([this] { host_->stop(); }).code());
  };
  Component component{.name = "rash", .start = call};
  component.stop = [call](std::chrono::milliseconds) { call(); };
  host_->add(component);
  host_->start();
  host_->stop();
  EXPECT_THAT(codes, ElementsAre("HOST_INSIDE_COMPONENT", "HOST_INSIDE_COMPONENT"));
}

TEST_F(HostStop, IsRequestedByAnybody) {
  auto waiter = std::async(std::launch::async, [this] { host_->wait(); });
  std::stop_source other;
  auto other_waiter = std::async(std::launch::async, [&] { host_->wait(other.get_token()); });
  other.request_stop();
  other_waiter.get();
  host_->add({.name = "asking", .start = [this] { host_->request_stop(); }});
  host_->start();
  waiter.get();
  EXPECT_TRUE(host_->stop_token().stop_requested());
  host_->wait();  // Returns at once from now on.
}

// LIFE-04: the database closes after the calls that run, and nothing is left beside its file.
TEST_F(HostStop, ClosesTheDatabaseAfterTheLastRead) {
  const fs::path file = host_->database_path();
  const Lane lane = host_->lane("notes");
  lane.write([](WriteTx& tx) { tx.execute("CREATE TABLE note(x)"); });
  host_->start();
  HeldRead held(lane);
  AtPoint closing("Core::close:draining");
  auto stop = std::async(std::launch::async, [this] { return host_->stop(); });
  closing.wait_until_reached();
  EXPECT_EQ(stop.wait_for(200ms), std::future_status::timeout);
  held.let_go();
  const HostStopReport report = stop.get();
  EXPECT_TRUE(report.complete());
  EXPECT_TRUE(report.database.checkpointed);
  EXPECT_EQ(report.database.interrupted, 0U);
  EXPECT_FALSE(fs::exists(file.string() + "-wal"));
  EXPECT_FALSE(fs::exists(file.string() + "-shm"));
}

// LIFE-04: who does not let the database close is named.
TEST_F(HostStop, NamesThePlaceThatKeepsTheDatabaseOpen) {
  open({.close_deadline = 20ms});
  host_->start();
  HeldRead held(host_->lane("stubborn"));
  const HostStopReport report = host_->stop();
  EXPECT_FALSE(report.complete());
  ASSERT_TRUE(report.database_failure);
  EXPECT_EQ(report.database_failure->code(), "CLOSE_TIMEOUT");
  EXPECT_THAT(report.database_failure->what(), HasSubstr(held.where()));
  EXPECT_EQ(events_.count("DATABASE_CLOSE_FAILED"), 1U);
}

TEST_F(HostStop, ClosesTheDatabaseAfterTheComponents) {
  const Lane lane = host_->lane("notes");
  lane.write([](WriteTx& tx) { tx.execute("CREATE TABLE note(x)"); });
  Component last = trail_.component("last");
  last.stop = [lane](std::chrono::milliseconds) {
    lane.write([](WriteTx& tx) { tx.execute("INSERT INTO note VALUES (1)"); });
  };
  host_->add(last);
  host_->start();
  EXPECT_TRUE(host_->stop().complete());
  EXPECT_EQ(thrown<MisuseError>([this] { (void)host_->lane("new"); }).code(), "DB_CLOSED");
}

}  // namespace
}  // namespace turnstile::test
