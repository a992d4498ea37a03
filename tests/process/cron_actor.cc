// A process that runs the jobs of a file:
//
//   cron_actor PATH LEASE_MS [system]
//
// Its clock stands still and is told on standard input, unless it is to be the system's. Jobs of
// the kind `effect` write a row into the table `effect`, together with the record that they are
// done; those of the kind `held` say `begun` and never end. Commands:
//
//   now MICROSECONDS   moves the clock; `ok` at once
//   idle               `ok` when nothing is left to do
//   stop               stops the scheduler; `ok` and the names of jobs that do not end
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <iostream>
#include <mutex>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>

#include "support/child_process.h"
#include "turnstile/cron.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::system_clock;

std::atomic<system_clock::time_point> driven_now{system_clock::time_point()};

void say(const std::string& line) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::cout << line << std::endl;
}

void answer(Scheduler& cron, const std::string& line) {
  std::istringstream words(line);
  std::string command;
  words >> command;
  if (command == "now") {
    std::int64_t time = 0;
    words >> time;
    driven_now = system_clock::time_point(microseconds(time));
    cron.wake();
    say("ok");
  } else if (command == "idle") {
    say(cron.wait_until_idle(patience()) ? "ok" : "busy");
  } else if (command == "stop") {
    std::string names;
    for (const std::string& name : cron.stop(patience()))
      names += " " + name;
    say("ok" + names);
  } else {
    say("unknown command");
  }
}

int run(int count, char** words) {
  const Database db = Database::open(words[1]);
  CronOptions options;
  options.lease = milliseconds(std::stoi(words[2]));
  if (count < 4) options.now = [] { return driven_now.load(); };
  const Lane lane = db.lane("cron");
  Scheduler cron(lane, options);
  cron.handle("effect", [&](CronRun& job) {
    lane.write([&](WriteTx& tx) {
      tx.execute("INSERT INTO effect(job, due, pid) VALUES (?, ?, ?)", job.job().id, job.due(),
                 ::getpid());
      job.complete(tx);
    });
    return CronOutcome::done();
  });
  cron.handle("held", [](CronRun&) -> CronOutcome {
    say("begun");
    for (;;)
      ::pause();
  });
  say("ready");
  std::string line;
  while (std::getline(std::cin, line)) {
    if (line == "start") {
      cron.start();
      say("ok");
    } else {
      answer(cron, line);
    }
  }
  return 0;
}

}  // namespace
}  // namespace turnstile::test

int main(int count, char** words) {
  try {
    return count < 3 ? 2 : turnstile::test::run(count, words);
  } catch (const std::exception& error) {
    std::cout << "error " << error.what() << std::endl;
    return 1;
  }
}
