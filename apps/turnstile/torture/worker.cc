#include "torture/worker.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <mutex>
#include <optional>
#include <random>
#include <sstream>
#include <stop_token>
#include <thread>

#include "failure.h"
#include "number.h"
#include "text.h"
#include "torture/load.h"
#include "torture/storage_failure.h"
#include "turnstile/tasks.h"
#include "turnstile/turnstile.h"

namespace turnstile::cli::torture {

namespace {

using namespace std::chrono_literals;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Random = std::mt19937_64;

// So long a worker may stand still before another one takes its task.
constexpr milliseconds kLease = 250ms;
constexpr milliseconds kTurn = 2ms;

// One write(2) each, of less than a pipe takes as a whole.
void say(std::string line) {
  constexpr std::size_t kMost = 1000;
  std::replace(line.begin(), line.end(), '\n', ' ');
  line.resize(std::min(line.size(), kMost));
  line += '\n';
  while (::write(STDOUT_FILENO, line.data(), line.size()) < 0)
    if (errno != EINTR) std::_Exit(1);
}

microseconds time_since(steady_clock::time_point start) {
  return std::chrono::duration_cast<microseconds>(steady_clock::now() - start);
}

class LostClaim : public std::exception {};

class Worker {
 public:
  Worker(std::string db, std::int64_t run, int threads, std::uint64_t seed, milliseconds timeout)
      : db_(std::move(db)), run_(run), threads_(threads), seed_(seed), timeout_(timeout) {}

  int run() {
    for (std::string line; std::getline(std::cin, line);) {
      std::istringstream words(line);
      std::string verb;
      words >> verb >> std::ws;
      if (verb == "start") {
        start_fresh(words);
      } else if (verb == "open") {
        open();
        say("o");
      } else if (verb == "turns") {
        take_turns(words);
      } else if (verb == "work") {
        open();
        begin_work();
      }
    }
    for (std::jthread& thread : working_)
      thread.request_stop();
    working_.clear();
    database_.reset();
    return 0;
  }

 private:
  [[nodiscard]] Options options() const {
    Options options;
    options.busy_timeout = timeout_;
    options.migrations = tables();
    options.backup_before_migration = false;
    options.connections = 3;
    options.checkpoint_frames = 400;  // Often, for a small file.
    return options;
  }

  // `lock` is a failure that nobody should ever see: also a timeout before its time.
  [[nodiscard]] std::string_view kind_of(const Error& error, steady_clock::time_point start) const {
    constexpr int kPrimary = 0xff;
    constexpr int kBusy = 5;
    constexpr int kLocked = 6;
    constexpr int kProtocol = 15;
    const int result = error.sqlite_code() & kPrimary;
    if (dynamic_cast<const Timeout*>(&error) != nullptr)
      return time_since(start) < timeout_ * 9 / 10 ? "lock" : "timeout";
    if (result == kBusy || result == kLocked || result == kProtocol) return "lock";
    if (is_damage(error)) return "damage";
    if (is_out_of_room(error)) return "full";
    return dynamic_cast<const StorageError*>(&error) != nullptr ? "storage" : "other";
  }

  // All processes have the same steady clock: who has set a limit knows whether this call met it.
  [[nodiscard]] std::string failure_of(const Error& error, steady_clock::time_point start) const {
    return fmt::format("{} {} {}", kind_of(error, start), start.time_since_epoch().count(),
                       error.what());
  }
  [[nodiscard]] static std::string failure_of(const std::exception& error,
                                              steady_clock::time_point start) {
    return fmt::format("other {} {}", start.time_since_epoch().count(), error.what());
  }

  // Calls `act` and tells of its failure.
  template <class F>
  bool telling(std::string_view what, F&& act) {
    const auto start = steady_clock::now();
    try {
      act();
      return true;
    } catch (const Error& error) {
      say(fmt::format("e {} {}", what, failure_of(error, start)));
    } catch (const std::exception& error) {
      say(fmt::format("e {} {}", what, failure_of(error, start)));
    }
    return false;
  }

  // One file after the other, so that those who come late meet those who make the next one.
  void start_fresh(std::istream& words) {
    int files = 0;
    words >> files >> std::ws;
    std::string path;
    std::getline(words, path);
    for (int file = 1; file <= files; ++file) {
      telling("start", [&] {
        const Database fresh = Database::open(fmt::format("{}{}", path, file), options());
        fresh.lane("start").write(
            [this](WriteTx& tx) { tx.execute("INSERT INTO turn(run) VALUES (?)", run_); });
      });
    }
    say("f");
  }

  // A full disk passes.
  void open() {
    while (!database_) {
      telling("open", [this] { database_.emplace(Database::open(db_, options())); });
      pollfd input{.fd = STDIN_FILENO, .events = 0, .revents = 0};
      if (!database_ && ::poll(&input, 1, 50) > 0) std::_Exit(0);
    }
  }

  void take_turns(std::istream& words) {
    std::int64_t span_ms = 0;
    words >> span_ms;
    const auto end = steady_clock::now() + milliseconds(span_ms);
    telling("turns", [&] {
      const Lane lane = database_.value().lane("turns", {.share_transactions = false});
      while (steady_clock::now() < end) {
        lane.write([this](WriteTx& tx) {
          tx.execute("INSERT INTO turn(run) VALUES (?)", run_);
          // sleep: transactions of this length are what the order of is looked at.
          std::this_thread::sleep_for(kTurn);
        });
      }
    });
    say("c");
  }

  void begin_work() {
    for (int thread = 0; thread < threads_; ++thread)
      working_.emplace_back([this, thread](const std::stop_token& stop) { write(stop, thread); });
    working_.emplace_back([this](const std::stop_token& stop) { work_on_tasks(stop); });
  }

  // True at the end.
  bool rest(const std::stop_token& stop, milliseconds span) {
    std::unique_lock lock(mutex_);
    resting_.wait_for(lock, stop, span, [] { return false; });
    return stop.stop_requested();
  }

  void write(const std::stop_token& stop, int thread) {
    constexpr std::int64_t kBurst = 20;
    Random random(seed_ + static_cast<std::uint64_t>(thread));
    const Lane lane = database_->lane(fmt::format("writer {}", thread));
    std::int64_t acknowledged = 0;
    for (std::int64_t n = 1; !stop.stop_requested(); ++n) {
      if (write_one(lane, {run_, thread, n}, random))
        ++acknowledged;
      else
        rest(stop, 10ms);
      if (n % kBurst != 0) continue;
      telling("read", [&] {
        const auto start = steady_clock::now();
        std::int64_t seen = 0;
        const std::string broken =
            lane.read([&](ReadTx& tx) { return broken_rule_of(tx, run_, thread, seen); });
        say(fmt::format("q {}", time_since(start).count()));
        if (!broken.empty()) say("v " + broken);
        if (seen < acknowledged) say(fmt::format("s {} {}", seen, acknowledged));
      });
      rest(stop, milliseconds(random() % 120));
    }
  }

  bool write_one(const Lane& lane, const Entry& entry, Random& random) {
    const auto start = steady_clock::now();
    const auto closure = [entry](WriteTx& tx) { write_entry(tx, entry); };
    const auto answer = [&](char kind, const std::string& rest) {
      say(fmt::format("{} {} {} {}", kind, entry.thread, entry.n, rest));
    };
    try {
      const auto way = random() % 8;
      const CallOptions how{.timeout = timeout_,
                            .durability = way == 0 ? Durability::Full : Durability::Default};
      if (way < 4)
        lane.write(how, closure);
      else
        lane.submit(how, closure).get();
      answer('a', std::to_string(time_since(start).count()));
      return true;
    } catch (const Error& error) {
      const char kind = error.commit_state() == CommitState::NotCommitted ? 'n' : 'u';
      answer(kind, failure_of(error, start));
    } catch (const std::exception& error) {
      answer('u', failure_of(error, start));
    }
    return false;
  }

  // Exactly one outcome of each task is what its fencing number is for.
  void work_on_tasks(const std::stop_token& stop) {
    Random random(~seed_);
    std::optional<TaskQueue> queue;
    while (!stop.stop_requested()) {
      const bool went_well = telling("task", [&] {
        if (!queue) queue.emplace(database_->lane("tasks"), TaskOptions{.lease = kLease});
        const std::optional<TaskClaim> claim = queue->claim();
        if (!claim) {
          const TaskId task = queue->enqueue({.kind = "torture", .max_attempts = 1000});
          say(fmt::format("j {}", task));
          return;
        }
        rest(stop, milliseconds(20 + random() % 100));
        finish(*queue, *claim);
      });
      if (!went_well) rest(stop, 50ms);
    }
  }

  void finish(const TaskQueue& queue, const TaskClaim& claim) {
    try {
      queue.lane().write([&](WriteTx& tx) {
        tx.execute("INSERT INTO outcome(task, run) VALUES (?, ?)", claim.id, run_);
        if (!queue.complete(tx, claim)) throw LostClaim();
      });
      say(fmt::format("t {}", claim.id));
    } catch (const LostClaim&) {
      say("l");
    }
  }

  const std::string db_;
  const std::int64_t run_;
  const int threads_;
  const std::uint64_t seed_;
  const milliseconds timeout_;
  std::optional<Database> database_;
  std::mutex mutex_;
  std::condition_variable_any resting_;
  std::vector<std::jthread> working_;
};

// Writes and syncs, so that everybody else on this disk has to wait, until it is killed.
[[noreturn]] void keep_disk_busy(const std::string& path) {
  constexpr std::size_t kBlock = std::size_t{1} << 20;
  constexpr off_t kFile = off_t{32} << 20;
  const std::string block(kBlock, 'x');
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  for (off_t from = 0;; from = (from + static_cast<off_t>(kBlock)) % kFile)
    if (file < 0 || ::pwrite(file, block.data(), block.size(), from) < 0 || ::fdatasync(file) != 0)
      std::_Exit(1);
}

// It ends with whoever has started it, also while it is stopped.
void end_with_parent(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) std::_Exit(1);
}

template <class Number>
Number number_in(const std::string& word) {
  if (const auto number = parse_number<Number>(word)) return *number;
  throw usage_failure(fmt::format("'{}' is no number", printable(word)),
                      "Only `turnstile torture` starts such a process.");
}

// Throws Failure (USAGE).
int run_worker(const std::vector<std::string>& words) {
  Worker worker(words[2], number_in<std::int64_t>(words[3]), number_in<int>(words[4]),
                number_in<std::uint64_t>(words[5]),
                milliseconds(number_in<std::int64_t>(words[6])));
  end_with_parent(number_in<pid_t>(words[1]));
  // A file that may not grow is an error of the write then, and not the end.
  std::signal(SIGXFSZ, SIG_IGN);
  return worker.run();
}

}  // namespace

std::vector<std::string> worker_words(std::string_view db, long run, int threads,
                                      unsigned long seed, long timeout_ms) {
  return {std::string(kWorkerWord),  std::to_string(::getpid()), std::string(db),
          std::to_string(run),       std::to_string(threads),    std::to_string(seed),
          std::to_string(timeout_ms)};
}

bool run_hidden(const std::vector<std::string>& words, int& status) {
  constexpr std::size_t kWorkerWords = 7;
  constexpr std::size_t kDiskWords = 3;
  if (words.empty()) return false;
  const bool is_disk = words[0] == kDiskWord && words.size() == kDiskWords;
  const bool is_worker = words[0] == kWorkerWord && words.size() == kWorkerWords;
  if (!is_disk && !is_worker) return false;
  try {
    if (is_disk) {
      end_with_parent(number_in<pid_t>(words[1]));
      keep_disk_busy(words[2]);
    }
    status = run_worker(words);
  } catch (const Failure& failure) {
    report(failure, false);
    status = static_cast<int>(failure.status());
  }
  return true;
}

}  // namespace turnstile::cli::torture
