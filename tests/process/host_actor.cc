// A program with a host, to be interrupted:
//
//   host_actor DIRECTORY [stubborn]
//
// Its one component works on a task of 30 s, a write that does not end. It says `ready` when it
// does, `stopping` when it is asked to stop, and `stopped` when the host has been. The component
// gives the task up when it is asked to, or, stubborn, waits for its end.
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "turnstile/host.h"
#include "turnstile/interrupt_watch.h"

namespace turnstile::test {
namespace {

constexpr std::chrono::seconds kLong{30};

void say(std::string_view line) {
  const std::string text = std::string(line) + '\n';
  if (::write(STDOUT_FILENO, text.data(), text.size()) < 0) std::_Exit(1);
}

class Worker {
 public:
  Worker(Lane lane, bool stubborn) : lane_(std::move(lane)), stubborn_(stubborn) {}

  void start() {
    lane_.write([](WriteTx& tx) {
      tx.execute("CREATE TABLE IF NOT EXISTS done(what TEXT)");
      tx.execute("INSERT INTO done VALUES ('before')");
    });
    thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
  }
  void stop(std::chrono::milliseconds /*deadline*/) {
    say("stopping");
    if (!stubborn_) thread_.request_stop();
    thread_.join();
  }

 private:
  void work(const std::stop_token& stop) {
    lane_.write([&stop](WriteTx& tx) {
      tx.execute("INSERT INTO done VALUES ('task')");
      say("ready");
      std::mutex mutex;
      std::condition_variable_any given_up;
      std::unique_lock lock(mutex);
      given_up.wait_for(lock, stop, kLong, [] { return false; });
    });
  }

  const Lane lane_;
  const bool stubborn_;
  std::jthread thread_;
};

int run(const std::string& directory, bool stubborn) {
  Host host({.data_directory = directory});
  const auto worker = std::make_shared<Worker>(host.lane("worker"), stubborn);
  Component component = component_of("worker", ComponentPriority::Automation, worker);
  component.stop_deadline = 2 * kLong;
  host.add(std::move(component));
  const HostStopReport report = run_until_interrupted(host);
  say(report.complete() ? "stopped" : "incomplete");
  return 0;
}

}  // namespace
}  // namespace turnstile::test

int main(int count, char** arguments) {
  try {
    return turnstile::test::run(arguments[1], count > 2);
  } catch (const std::exception& error) {
    turnstile::test::say(error.what());
    return 1;
  }
}
