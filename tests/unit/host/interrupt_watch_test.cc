// Signals that ask for an end. tests/process/host_interrupt_test.cc has those that end a process.
#include "turnstile/interrupt_watch.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <future>
#include <stdexcept>
#include <stop_token>
#include <string>

#include "support/child_process.h"
#include "support/component_trail.h"
#include "support/forked.h"
#include "support/temp_dir.h"
#include "support/thrown.h"

namespace turnstile::test {
namespace {

/// Waits until a stop is requested; false when it takes too long.
[[nodiscard]] bool is_told(const std::stop_token& token) {
  std::promise<void> told;
  const std::stop_callback on_stop(token, [&told] { told.set_value(); });
  return told.get_future().wait_for(patience()) == std::future_status::ready;
}

[[nodiscard]] sighandler_t handler_of(int signal) {
  struct sigaction action {};
  ::sigaction(signal, nullptr, &action);
  return action.sa_handler;
}

TEST(InterruptWatch, RequestsAStop) {
  for (const int signal : {SIGINT, SIGTERM}) {
    const InterruptWatch watch;
    EXPECT_FALSE(watch.token().stop_requested());
    ::raise(signal);
    EXPECT_TRUE(is_told(watch.token()));
  }
}

TEST(InterruptWatch, PutsTheFormerHandlersBack) {
  const sighandler_t former = ::signal(SIGINT, [](int) {});
  const sighandler_t ours = handler_of(SIGINT);
  {
    const InterruptWatch watch;
    EXPECT_NE(handler_of(SIGINT), ours);
  }
  EXPECT_EQ(handler_of(SIGINT), ours);
  ::signal(SIGINT, former);
}

TEST(InterruptWatch, LeavesAnIgnoredSignalIgnored) {
  const sighandler_t former = ::signal(SIGINT, SIG_IGN);
  {
    const InterruptWatch watch;
    EXPECT_EQ(handler_of(SIGINT), SIG_IGN);
  }
  ::signal(SIGINT, former);
}

TEST(InterruptWatch, IsTheOnlyOne) {
  {
    const InterruptWatch watch;
    EXPECT_EQ(thrown<MisuseError>([] { const InterruptWatch second; }).code(),
              "INTERRUPT_WATCH_EXISTS");
  }
  EXPECT_NO_THROW(const InterruptWatch third);
}

TEST(InterruptWatch, IsNotToldOfTheSignalsOfAChild) {
  const InterruptWatch watch;
  const pid_t child = ::fork();
  if (child == 0) {
    ::raise(SIGTERM);
    ::poll(nullptr, 0,
           5000);  // Under ThreadSanitizer a signal comes with the next call that waits.
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGTERM);
  EXPECT_FALSE(watch.token().stop_requested());
  ::raise(SIGTERM);  // The first one that counts.
  EXPECT_TRUE(is_told(watch.token()));
}

TEST(InterruptWatch, EndsTheRunOfAHost) {
  const TempDir folder;
  ComponentTrail trail;
  Host host({.data_directory = folder.path()});
  Component asking = trail.component("asking");
  asking.start = [] { ::raise(SIGINT); };
  host.add(asking);
  EXPECT_TRUE(run_until_interrupted(host).complete());
  EXPECT_EQ(trail.steps(), std::vector<std::string>{"-asking"});
}

TEST(InterruptWatch, EndsAStartThatIsNotThroughYet) {
  const TempDir folder;
  ComponentTrail trail;
  Host host({.data_directory = folder.path()});
  Component slow = trail.component("slow");
  slow.start = [&host] {
    ::raise(SIGINT);
    EXPECT_TRUE(is_told(host.stop_token()));
  };
  host.add(slow);
  host.add(trail.component("never"));
  EXPECT_TRUE(run_until_interrupted(host).complete());
  EXPECT_EQ(trail.steps(), std::vector<std::string>{"-slow"});
}

TEST(InterruptWatch, LeavesAFailedStartToItsCaller) {
  const TempDir folder;
  ComponentTrail trail;
  Host host({.data_directory = folder.path()});
  host.add(trail.failing("failing", "no luck"));
  EXPECT_THROW((void)run_until_interrupted(host), StartError);
}

}  // namespace
}  // namespace turnstile::test
