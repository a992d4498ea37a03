// Components: the order of their starts and stops, and what becomes of those that fail.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/component_trail.h"
#include "support/log_events.h"
#include "support/temp_dir.h"
#include "support/thrown.h"
#include "turnstile/host.h"

namespace turnstile::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class HostComponents : public testing::Test {
 protected:
  [[nodiscard]] HostOptions options() {
    return {.data_directory = folder_.path() / "data", .log_sink = events_.sink()};
  }

  TempDir folder_;
  LogEvents events_;
  ComponentTrail trail_;
  Host host_{options()};
};

// LIFE-01: lower priorities first, equal ones as they were added; the reverse at the end.
TEST_F(HostComponents, StartInTheOrderOfPrioritiesAndStopInReverse) {
  host_.add(trail_.component("network", ComponentPriority::Network));
  host_.add(trail_.component("infrastructure", ComponentPriority::Infrastructure));
  host_.add(trail_.component("first buffer", ComponentPriority::Buffer));
  host_.add(trail_.component("second buffer", ComponentPriority::Buffer));
  host_.start();
  EXPECT_THAT(trail_.steps(),
              ElementsAre("+infrastructure", "+first buffer", "+second buffer", "+network"));
  EXPECT_TRUE(host_.status().running);
  EXPECT_TRUE(host_.stop().complete());
  EXPECT_THAT(trail_.steps(),
              ElementsAre("+infrastructure", "+first buffer", "+second buffer", "+network",
                          "-network", "-second buffer", "-first buffer", "-infrastructure"));
  EXPECT_FALSE(host_.status().running);
}

TEST_F(HostComponents, MayHavePrioritiesInBetween) {
  host_.add(trail_.component("b", static_cast<ComponentPriority>(250)));
  host_.add(trail_.component("c", ComponentPriority::Buffer));
  host_.add(trail_.component("a", ComponentPriority::Core));
  host_.start();
  EXPECT_THAT(trail_.steps(), ElementsAre("+a", "+b", "+c"));
}

// LIFE-02: a failed start stops what was started, in reverse, and names the cause.
TEST_F(HostComponents, AreStoppedInReverseWhenOneCannotStart) {
  host_.add(trail_.component("one"));
  host_.add(trail_.component("two"));
  host_.add(trail_.failing("three", "no luck"));
  host_.add(trail_.component("four"));
  const auto error = thrown<StartError>([this] { host_.start(); });
  EXPECT_EQ(error.part(), "three");
  EXPECT_EQ(error.code(), "COMPONENT_FAILED");
  EXPECT_EQ(error.message(), "component 'three': no luck");
  EXPECT_THROW(std::rethrow_exception(error.cause()), std::runtime_error);
  EXPECT_THAT(trail_.steps(), ElementsAre("+one", "+two", "+three", "-two", "-one"));
  const auto components = host_.status().components;
  EXPECT_EQ(status_of(components, "three").state, ComponentState::Failed);
  EXPECT_EQ(status_of(components, "three").reason, "no luck");
  EXPECT_EQ(status_of(components, "four").state, ComponentState::Added);
  EXPECT_FALSE(host_.status().running);
}

TEST_F(HostComponents, KeepTheCodeOfTheErrorThatTheyThrow) {
  Component closed = trail_.component("closed");
  closed.start = [this] {
    host_.lane("x").read([](ReadTx& tx) { (void)tx.query<int>("SELECT * FROM missing").all(); });
  };
  host_.add(closed);
  const auto error = thrown<StartError>([this] { host_.start(); });
  EXPECT_EQ(error.code(), "SQL_ERROR");
  EXPECT_EQ(error.lane(), "x");
  EXPECT_THAT(std::string(error.what()), HasSubstr("SQL_ERROR: component 'closed': "));
}

TEST_F(HostComponents, CanBeStartedAgainAfterAFailure) {
  bool works = false;
  Component moody = trail_.component("moody");
  moody.start = [&works] {
    if (!works) throw std::runtime_error("not today");
  };
  host_.add(trail_.component("one"));
  host_.add(moody);
  EXPECT_THROW(host_.start(), StartError);
  host_.add(trail_.component("two"));
  works = true;
  host_.start();
  EXPECT_THAT(trail_.steps(), ElementsAre("+one", "-one", "+one", "+two"));
  EXPECT_EQ(status_of(host_.status().components, "moody").reason, "");
}

// BOOT-12: the program goes on without an optional component, and says what to do.
TEST_F(HostComponents, AreDisabledWhenTheyAreOptionalAndCannotStart) {
  host_.add(trail_.component("core"));
  Component embedding = trail_.component("embedding");
  embedding.start = [this] {
    host_.lane("embedding").write([](WriteTx& tx) {
      tx.execute("CREATE VIRTUAL TABLE chunk USING missing0(embedding float[3])");
    });
  };
  embedding.optional = true;
  embedding.advice = "Install the vector extension.";
  host_.add(embedding);
  host_.add(trail_.component("last"));
  host_.start();
  const ComponentStatus status = status_of(host_.status().components, "embedding");
  EXPECT_EQ(to_string(status.state), "disabled");
  EXPECT_THAT(status.reason, HasSubstr("no such module: missing0"));
  EXPECT_EQ(status.advice, "Install the vector extension.");
  EXPECT_EQ(events_.count("COMPONENT_DISABLED"), 1U);
  EXPECT_TRUE(host_.status().running);
  EXPECT_TRUE(host_.stop().complete());
  EXPECT_THAT(trail_.steps(), ElementsAre("+core", "+last", "-last", "-core"));
}

TEST_F(HostComponents, HaveTheHintOfTheErrorAsAdviceWhenTheyHaveNone) {
  Component closed = trail_.component("closed");
  closed.start = [this] {
    host_.lane("x").read([](ReadTx& tx) { (void)tx.query<int>("?").all(); });
  };
  closed.optional = true;
  host_.add(closed);
  host_.start();
  EXPECT_NE(status_of(host_.status().components, "closed").advice, "");
}

TEST_F(HostComponents, NeedANameOfTheirOwn) {
  host_.add(trail_.component("one"));
  for (const char* name : {"", "one"}) {
    EXPECT_EQ(thrown<MisuseError>([&] { host_.add(trail_.component(name)); }).code(),
              "COMPONENT_INVALID");
  }
}

TEST_F(HostComponents, AreAddedBeforeTheStartOnly) {
  host_.start();
  host_.start();  // Does nothing.
  EXPECT_EQ(thrown<MisuseError>([this] { host_.add(trail_.component("late")); }).code(),
            "HOST_STARTED");
  host_.stop();
  EXPECT_EQ(thrown<MisuseError>([this] { host_.add(trail_.component("late")); }).code(),
            "HOST_STOPPED");
  EXPECT_EQ(thrown<MisuseError>([this] { host_.start(); }).code(), "HOST_STOPPED");
}

TEST_F(HostComponents, TellHowLongTheyTookToStartAndStop) {
  Component slow = trail_.component("slow");
  const auto spin = [] {
    const auto until = std::chrono::steady_clock::now() + 10ms;
    while (std::chrono::steady_clock::now() < until) {
    }
  };
  slow.start = spin;
  slow.stop = [spin](std::chrono::milliseconds) { spin(); };
  host_.add(slow);
  host_.start();
  const ComponentStatus status = status_of(host_.stop().components, "slow");
  EXPECT_GE(status.start_duration, 10ms);
  EXPECT_GE(status.stop_duration, 10ms);
}

TEST_F(HostComponents, NeedNeitherAStartNorAStop) {
  host_.add({.name = "name only"});
  host_.start();
  EXPECT_EQ(status_of(host_.stop().components, "name only").state, ComponentState::Stopped);
}

/// What subsystems look like, with the kinds of answers that their stops give.
struct Part {
  void start() { running = true; }
  bool running = false;
  std::chrono::milliseconds deadline{0};
};
struct SilentPart : Part {
  void stop(std::chrono::milliseconds limit) {
    running = false;
    deadline = limit;
  }
};
struct ReportWithFunction {
  explicit ReportWithFunction(bool all) : everything(all) {}
  [[nodiscard]] bool complete() const { return everything; }
  bool everything;
};
struct ReportWithMember {
  explicit ReportWithMember(bool all) : complete(all) {}
  bool complete;
};
struct ListOfTheRest : std::vector<std::string> {
  explicit ListOfTheRest(bool all) : std::vector<std::string>(all ? 0 : 1, "one") {}
};
template <class Answer>
struct AnsweringPart : Part {
  explicit AnsweringPart(bool all) : everything(all) {}
  Answer stop(std::chrono::milliseconds) { return Answer(everything); }
  bool everything;
};

TEST_F(HostComponents, CanBeAnythingWithStartAndStop) {
  const auto part = std::make_shared<SilentPart>();
  Component component = component_of("part", ComponentPriority::Core, part);
  component.stop_deadline = 1234ms;
  host_.add(component);
  host_.start();
  EXPECT_TRUE(part->running);
  host_.stop();
  EXPECT_FALSE(part->running);
  EXPECT_EQ(part->deadline, 1234ms);
}

TEST_F(HostComponents, CountAsFailedWhenTheyReportThatWorkIsLeft) {
  for (const bool answer : {true, false}) {
    Host host({.data_directory = folder_.path() / "other"});
    const auto add = [&]<class Answer>(const char* name, std::type_identity<Answer>) {
      host.add(component_of(name, ComponentPriority::Core,
                            std::make_shared<AnsweringPart<Answer>>(answer)));
    };
    add("bool", std::type_identity<bool>());
    add("function", std::type_identity<ReportWithFunction>());
    add("member", std::type_identity<ReportWithMember>());
    add("list", std::type_identity<ListOfTheRest>());
    host.start();
    const HostStopReport report = host.stop();
    EXPECT_EQ(report.complete(), answer);
    EXPECT_EQ(report.components.size(), 4U);
    for (const ComponentStatus& status : report.components) {
      EXPECT_EQ(status.state, answer ? ComponentState::Stopped : ComponentState::StopFailed);
      EXPECT_THAT(status.reason, HasSubstr(answer ? "" : "COMPONENT_UNFINISHED"));
    }
  }
}

TEST_F(HostComponents, OwnTheirPartsAsLongAsTheHostIsThere) {
  std::weak_ptr<SilentPart> observer;
  {
    Host host({.data_directory = folder_.path() / "other"});
    auto part = std::make_shared<SilentPart>();
    observer = part;
    host.add(component_of("part", ComponentPriority::Core, std::move(part)));
    host.start();
    host.stop();
    EXPECT_FALSE(observer.expired());
  }
  EXPECT_TRUE(observer.expired());
}

TEST_F(HostComponents, AreGoneInTheReverseOrderOfTheirStart) {
  struct Dying {
    ~Dying() { trail->add("~" + name); }
    void start() {}
    void stop(std::chrono::milliseconds) {}
    ComponentTrail* trail;
    std::string name;
  };
  {
    Host host({.data_directory = folder_.path() / "other"});
    for (const char* name : {"one", "two"}) {
      host.add(component_of(name, ComponentPriority::Core,
                            std::shared_ptr<Dying>(new Dying{&trail_, name})));
    }
  }
  EXPECT_THAT(trail_.steps(), ElementsAre("~two", "~one"));
}

}  // namespace
}  // namespace turnstile::test
