// A process in which all five subsystems work on one file:
//
//   subsystems_actor PATH NAME
//
// It keeps memos NAME-1, NAME-2, ... each with its vector, its place in the text index, its audit
// event and a task, all in one transaction, and says `memo N` once it is committed. Besides it
// records audit events of its own and says `event N` once those up to N are flushed; works on the
// tasks of all; and runs the cron job. The end of its input stops it in good order; it says `end`.
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stop_token>
#include <string>
#include <thread>

#include "support/subsystems.h"
#include "turnstile/audit.h"
#include "turnstile/cron.h"
#include "turnstile/task_worker.h"
#include "turnstile/text.h"
#include "turnstile/turnstile.h"
#include "turnstile/vectors.h"

namespace turnstile::test {
namespace {

using std::chrono::seconds;

// One write(2), so that a kill leaves either a whole line or none, and threads do not mix theirs.
void say_line(std::string line) {
  line += '\n';
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    std::_Exit(1);
}

// Threads: shared.
class Application {
 public:
  Application(const std::string& path, std::string name)
      : name_(std::move(name)), database_(Database::open(path, memo_options())) {
    log_.start();
    pool_.handle("index", [this](TaskContext& context) {
      lane_.write([&](WriteTx& tx) {
        tx.execute("INSERT INTO task_effect VALUES (?, ?)", context.task().id,
                   context.task().attempt);
        context.complete_in(tx);
      });
      return TaskResult::done();
    });
    cron_.handle("tick", [this](CronRun& run) {
      lane_.write([&](WriteTx& tx) {
        const auto due = std::chrono::floor<std::chrono::microseconds>(run.due());
        tx.execute("INSERT INTO cron_effect VALUES (?)",
                   std::int64_t{due.time_since_epoch().count()});
        tasks_.enqueue(tx, {.kind = "index", .max_attempts = kAttempts});
        run.complete(tx);
      });
      return CronOutcome::done();
    });
    pool_.start();
    cron_.start();
  }

  void keep_memos(const std::stop_token& stop) {
    for (std::int64_t n = 1; !stop.stop_requested(); ++n) {
      keep(n);
      say_line("memo " + std::to_string(n));
      if (n % kSearches == 0) search(n);
    }
  }

  void record_events(const std::stop_token& stop) {
    constexpr std::int64_t kFlushed = 10;
    for (std::int64_t n = 1; !stop.stop_requested(); ++n) {
      log_.record({.action = "act", .actor = name_, .subject = std::to_string(n)});
      if (n % kFlushed != 0) continue;
      if (!log_.flush(seconds(60))) std::_Exit(2);
      say_line("event " + std::to_string(n));
    }
  }

  void stop() {
    const bool ended = cron_.stop(seconds(30)).empty() && pool_.stop(seconds(30)).complete &&
                       log_.stop(seconds(30)).unwritten == 0;
    if (!ended) std::_Exit(3);
  }

 private:
  static constexpr int kAttempts = 1000;
  static constexpr std::int64_t kSearches = 20;

  void keep(std::int64_t n) {
    const std::string key = name_ + "-" + std::to_string(n);
    lane_.write([&](WriteTx& tx) {
      Memo memo{.key = key, .body = "memo " + key + " of the text"};
      memos_.insert(tx, memo);
      const VectorItem item{.id = key, .vector = memo_vector(n)};
      vectors_.upsert(tx, std::span(&item, 1));
      log_.record(tx, {.action = "keep", .actor = name_, .subject = key});
      tasks_.enqueue(tx, {.kind = "index", .payload = Value(key), .max_attempts = kAttempts});
    });
  }

  void search(std::int64_t n) const {
    const bool found = !text_.search("memo").empty() && !vectors_.search(memo_vector(n)).empty();
    if (!found) std::_Exit(4);
  }

  const std::string name_;
  const Database database_;
  const Lane lane_ = database_.lane("app");
  const Records<Memo> memos_{lane_};
  const TextIndex text_{database_.lane("text"), memo_text()};
  const VectorCollection vectors_ =
      VectorStore(database_.lane("vectors")).open_or_create("memos", memo_vectors());
  const TaskQueue tasks_{database_.lane("tasks"),
                         {.lease = seconds(2), .keep_finished = 10'000'000}};
  AuditLog log_{database_.lane("audit")};
  WorkerPool pool_{tasks_, {.workers = 2}};
  Scheduler cron_{database_.lane("cron"), {.lease = seconds(2), .history_per_job = 100'000}};
};

void run_application(const std::string& path, const std::string& name) {
  Application application(path, name);
  std::jthread memos([&](const std::stop_token& stop) { application.keep_memos(stop); });
  std::jthread events([&](const std::stop_token& stop) { application.record_events(stop); });
  for (std::string line; std::getline(std::cin, line);) {
  }
  memos.request_stop();
  events.request_stop();
  memos.join();
  events.join();
  application.stop();
  say_line("end");
}

}  // namespace
}  // namespace turnstile::test

int main(int argc, char** argv) {
  try {
    if (argc != 3) return 2;
    turnstile::test::run_application(argv[1], argv[2]);
    return 0;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    std::_Exit(5);
  }
}
