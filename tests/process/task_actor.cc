// A process that works on tasks as a test tells it, one line a command:
//
//   open PATH WORKERS LEASE_MS   opens the file, and makes a pool with the handlers below
//   start, stop, close           the pool; close says what the pool has done
//   enqueue KIND COUNT           puts so many tasks in, each in a transaction of its own
//   go                           lets handlers go on that wait for it
//   cpu                          the processor time of this process so far, in microseconds
//
// Each answer is one line, a Reply. Handlers say lines of their own, with the field `event`:
//
//   effect          inserts a row into effect(task, attempt), and finishes the task with it
//   hold            says begun, and waits until it is asked to stop; says why
//   late            says begun, waits for go, then as effect; says refused if that was refused
//   late_unfenced   as late, but does not ask whether the task is still its own
//   overlap         records in overlap(n) how many run at that moment
//   clock           has the time at which it began as its result, in microseconds
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>

#include "support/door.h"
#include "support/reply.h"
#include "turnstile/task_worker.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

// One write(2), so that a kill leaves either a whole line or none, and threads do not mix theirs.
void say(const Reply& reply) {
  const std::string line = reply.line() + '\n';
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    std::_Exit(1);
}

void say_event(const TaskContext& context, std::string_view event) {
  say(Reply(true).set("event", event).set("task", context.task().id));
}

class Actor {
 public:
  Reply run(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    words >> verb;
    if (verb == "open") return open(words);
    if (verb == "start") {
      pool_.value().start();
      return Reply(true);
    }
    if (verb == "stop")
      return Reply(true).set("complete", std::int64_t{pool_.value().stop().complete});
    if (verb == "enqueue") return enqueue(words);
    if (verb == "go") {
      door_.open();
      return Reply(true);
    }
    if (verb == "cpu") return cpu();
    if (verb == "close") return close();
    return Reply(false).set("message", "unknown command: " + line);
  }

 private:
  Reply open(std::istream& words) {
    std::string path;
    int workers = 0;
    std::int64_t lease_ms = 0;
    words >> path >> workers >> lease_ms;
    database_.emplace(Database::open(path, {.busy_timeout = std::chrono::seconds(60)}));
    lane_.emplace(database_->lane("effects"));
    queue_.emplace(database_->lane("tasks"),
                   TaskOptions{.lease = std::chrono::milliseconds(lease_ms)});
    pool_.emplace(*queue_, WorkerPoolOptions{.workers = workers});
    add_handlers();
    return Reply(true);
  }

  void add_handlers() {
    pool_->handle("effect", [this](TaskContext& context) {
      finish_with_effect(context);
      return TaskResult::done();
    });
    pool_->handle("hold", [](TaskContext& context) {
      say_event(context, "begun");
      wait_for_stop(context.stop_token());
      say_event(context, to_string(context.stop_reason()));
      return TaskResult::stopped();
    });
    pool_->handle("late", [this](TaskContext& context) {
      say_event(context, "begun");
      door_.pass();
      try {
        finish_with_effect(context);
      } catch (const Cancelled&) {
        say_event(context, "refused");
        throw;
      }
      return TaskResult::done();
    });
    pool_->handle("late_unfenced", [this](TaskContext& context) {
      say_event(context, "begun");
      door_.pass();
      lane_->write([&](WriteTx& tx) { insert_effect(tx, context); });
      say_event(context, "written");
      return TaskResult::done();
    });
    pool_->handle("overlap", [this](TaskContext& context) {
      lane_->write([&](WriteTx& tx) {
        tx.execute("INSERT INTO active VALUES (?)", context.task().id);
        tx.execute("INSERT INTO overlap SELECT count(*) FROM active");
      });
      lane_->write([&](WriteTx& tx) {
        tx.execute("DELETE FROM active WHERE task = ?", context.task().id);
        context.complete_in(tx);
      });
      return TaskResult::done();
    });
    pool_->handle("clock", [this](TaskContext&) {
      return TaskResult::done(std::int64_t{queue_->now().time_since_epoch().count()});
    });
  }

  static void insert_effect(WriteTx& tx, const TaskContext& context) {
    tx.execute("INSERT INTO effect(task, attempt) VALUES (?, ?)", context.task().id,
               context.task().attempt);
  }

  void finish_with_effect(const TaskContext& context) {
    lane_->write([&](WriteTx& tx) {
      insert_effect(tx, context);
      context.complete_in(tx);
    });
  }

  Reply enqueue(std::istream& words) {
    NewTask task;
    int count = 0;
    words >> task.kind >> count;
    for (int i = 0; i < count; ++i)
      queue_.value().enqueue(task);
    return Reply(true);
  }

  static Reply cpu() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    constexpr std::int64_t kMicro = 1'000'000;
    return Reply(true).set("us", (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * kMicro +
                                     usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  }

  Reply close() {
    const bool complete = pool_.value().stop().complete;
    const WorkerMetrics metrics = pool_->metrics();
    pool_.reset();
    database_->close();
    return Reply(true)
        .set("complete", std::int64_t{complete})
        .set("done", metrics.done)
        .set("refused", metrics.refused)
        .set("storage_failures", metrics.storage_failures);
  }

  Door door_;
  std::optional<Database> database_;
  std::optional<Lane> lane_;
  std::optional<TaskQueue> queue_;
  std::optional<WorkerPool> pool_;
};

}  // namespace
}  // namespace turnstile::test

int main() {
  using turnstile::test::Reply;
  turnstile::test::Actor actor;
  for (std::string line; std::getline(std::cin, line);) {
    Reply reply(true);
    try {
      reply = actor.run(line);
    } catch (const std::exception& error) {
      reply = Reply::of(error);
    }
    turnstile::test::say(reply);
  }
  std::_Exit(0);  // Without closing anything: handlers may still wait.
}
