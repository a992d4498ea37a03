// A process with a Database of its own that does what a test tells it, one line a command:
//
//   open PATH [KEY=VALUE...]     opens; keys: timeout (ms), steps (schema steps), frames, vec0
//   start PATH [KEY=VALUE...]    says ok, waits for a byte on descriptor 3, then as open
//   exec SQL, query SQL          one write, one read; the answer has `changes` or `value`
//   repeat COUNT SQL             so many writes
//   hold LANE, hold_read LANE    says ok inside a transaction; stays in it until the next line
//   hold_forked LANE             as hold; its child of a fork() waits for a byte on descriptor 3
//   pause_at POINT SQL           as exec; says ok at that sync point, stays until the next line
//   load THREADS MS HOLD_US      writes for that long, each transaction held open for HOLD_US
//   mix NUMBER                   does what five subsystems do, in turn, each with a row (NUMBER, n)
//                                of its own; says `ack n` after each, until a line comes
//   close                        closes
//
// Each answer is one line, a Reply. It ends when its input does, without closing the database.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "gate/sync_point.h"
#include "support/counted_migrations.h"
#include "support/five_subsystems.h"
#include "support/reply.h"
#include "turnstile/turnstile.h"

namespace turnstile::test {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// One write(2), so that a kill leaves either a whole line or none.
void say(std::string line) {
  line += '\n';
  if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    std::exit(1);
}

// Standard input, line by line. Not std::cin, which reads ahead without telling.
class Input {
 public:
  std::string next_line() {
    while (unread_.find('\n') == std::string::npos) {
      constexpr std::size_t kBlock = 4096;
      std::array<char, kBlock> block{};
      const ssize_t count = ::read(STDIN_FILENO, block.data(), block.size());
      if (count <= 0) std::_Exit(0);
      unread_.append(block.data(), static_cast<std::size_t>(count));
    }
    const std::size_t end = unread_.find('\n');
    std::string line = unread_.substr(0, end);
    unread_.erase(0, end + 1);
    return line;
  }

  [[nodiscard]] bool has_some() const {
    pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    return !unread_.empty() || ::poll(&input, 1, 0) > 0;
  }

 private:
  std::string unread_;
};

void wait_for_starting_byte() {
  constexpr int kStart = 3;
  char byte = 0;
  if (::read(kStart, &byte, 1) != 1) std::_Exit(1);
}

// What one thread of a load did.
struct Share {
  std::int64_t committed = 0;
  std::int64_t failed = 0;
  std::int64_t longest_wait_us = 0;
  std::string first_error;
};

class Actor {
 public:
  std::string next_line() { return input_.next_line(); }

  Reply run(const std::string& line) {
    std::istringstream words(line);
    std::string verb;
    words >> verb >> std::ws;
    if (verb == "open") return open(words);
    if (verb == "start") {
      say(Reply(true).line());
      wait_for_starting_byte();
      return open(words);
    }
    if (verb == "exec") {
      const std::string sql = rest(words);
      return Reply(true).set(
          "changes", lane("main").write([&](WriteTx& tx) { return tx.execute(sql).changes; }));
    }
    if (verb == "repeat") {
      int count = 0;
      words >> count >> std::ws;
      const std::string sql = rest(words);
      const Lane lane = this->lane("repeat");
      for (int i = 0; i < count; ++i)
        lane.write([&](WriteTx& tx) { tx.execute(sql); });
      return Reply(true);
    }
    if (verb == "query") return query(rest(words));
    if (verb == "hold" || verb == "hold_forked") {
      const bool forks = verb == "hold_forked";
      lane(rest(words)).write([this, forks](WriteTx& tx) {
        tx.execute("INSERT INTO work(process, n) VALUES (-1, 0)");
        if (forks && ::fork() == 0) {
          wait_for_starting_byte();
          std::_Exit(0);
        }
        say(Reply(true).line());
        next_line();
      });
      return Reply(true);
    }
    if (verb == "hold_read") {
      return lane(rest(words)).read([this](ReadTx& tx) {
        const auto count = tx.query<std::int64_t>("SELECT count(*) FROM work").one();
        say(Reply(true).set("value", count).line());
        next_line();
        return Reply(true).set("value", tx.query<std::int64_t>("SELECT count(*) FROM work").one());
      });
    }
    if (verb == "pause_at") {
      std::string point;
      words >> point >> std::ws;
      const std::string sql = rest(words);
      paused_ = this;
      point_ = point;
      gate::sync_point_hook = &on_sync_point;
      return Reply(true).set(
          "changes", lane("main").write([&](WriteTx& tx) { return tx.execute(sql).changes; }));
    }
    if (verb == "load") return load(words);
    if (verb == "mix") return mix(words);
    if (verb == "close") {
      const CloseReport report = database_.value().close();
      database_.reset();
      return Reply(true).set("checkpointed", std::int64_t{report.checkpointed});
    }
    return Reply(false).set("message", "unknown command: " + line);
  }

 private:
  static std::string rest(std::istream& words) {
    std::string text;
    std::getline(words, text);
    return text;
  }

  static void on_sync_point(std::string_view name) {
    if (name != paused_->point_) return;
    gate::sync_point_hook = nullptr;
    say(Reply(true).line());
    paused_->next_line();
  }

  Lane lane(const std::string& name) { return database_.value().lane(name); }

  Reply open(std::istream& words) {
    std::string path;
    words >> path;
    Options options;
    std::string word;
    while (words >> word) {
      const std::string value = word.substr(word.find('=') + 1);
      const std::string key = word.substr(0, word.find('='));
      if (key == "timeout")
        options.busy_timeout = milliseconds(std::stoll(value));
      else if (key == "steps")
        options.migrations = counted_migrations(std::stoi(value));
      else if (key == "frames")
        options.checkpoint_frames = std::stoi(value);
      else if (key == "vec0")
        options.extensions.push_back({.path = value, .entry_point = ""});
      else
        return Reply(false).set("message", "unknown option: " + word);
    }
    database_.reset();
    database_.emplace(Database::open(path, options));
    Reply reply(true);
    for (const Setting& setting : database_->info().settings)
      reply.set(setting.name, setting.in_force);
    return reply;
  }

  Reply query(const std::string& sql) {
    return lane("main").read([&](ReadTx& tx) {
      std::string value;
      for (const Row row : tx.query(sql)) {
        const Value first = row.get<Value>(0);
        value += value.empty() ? "" : "|";
        if (const auto* number = std::get_if<std::int64_t>(&first))
          value += std::to_string(*number);
        else if (const auto* text = std::get_if<std::string>(&first))
          value += *text;
      }
      return Reply(true).set("value", value);
    });
  }

  Share write_until(steady_clock::time_point end, int thread, microseconds hold) {
    Share share;
    const Lane lane = this->lane("load " + std::to_string(thread));
    while (steady_clock::now() < end) {
      const auto start = steady_clock::now();
      try {
        const auto waited = lane.write([&](WriteTx& tx) {
          const auto begun = steady_clock::now() - start;
          tx.execute("INSERT INTO work(process, thread, n) VALUES (?, ?, ?)", ::getpid(), thread,
                     share.committed);
          if (hold.count() > 0) {
            // sleep: transactions of this length are what is tested.
            std::this_thread::sleep_for(hold);
          }
          return begun;
        });
        ++share.committed;
        share.longest_wait_us =
            std::max(share.longest_wait_us, duration_cast<microseconds>(waited).count());
      } catch (const std::exception& error) {
        ++share.failed;
        if (share.first_error.empty()) share.first_error = error.what();
      }
    }
    return share;
  }

  Reply load(std::istream& words) {
    int threads = 0;
    std::int64_t duration_ms = 0;
    std::int64_t hold_us = 0;
    words >> threads >> duration_ms >> hold_us;
    const auto end = steady_clock::now() + milliseconds(duration_ms);
    std::vector<Share> shares(static_cast<std::size_t>(threads));
    {
      std::vector<std::jthread> workers;
      for (int i = 0; i < threads; ++i) {
        workers.emplace_back([&, i] {
          shares[static_cast<std::size_t>(i)] = write_until(end, i, microseconds(hold_us));
        });
      }
    }
    Share all;
    std::string counts;
    for (const Share& share : shares) {
      all.committed += share.committed;
      all.failed += share.failed;
      all.longest_wait_us = std::max(all.longest_wait_us, share.longest_wait_us);
      all.first_error = all.first_error.empty() ? share.first_error : all.first_error;
      counts += (counts.empty() ? "" : ",") + std::to_string(share.committed);
    }
    return Reply(true)
        .set("committed", all.committed)
        .set("failed", all.failed)
        .set("longest_wait_ms", all.longest_wait_us / 1000)
        .set("counts", counts)
        .set("error", all.first_error);
  }

  Reply mix(std::istream& words) {
    std::int64_t process = 0;
    words >> process;
    const Lane writer = lane("mix");
    std::int64_t n = writer.read([&](ReadTx& tx) {
      return tx
          .query<std::int64_t>("SELECT coalesce(max(n), 0) FROM work WHERE process = ?", process)
          .one();
    });
    while (!input_.has_some()) {
      ++n;
      const auto subsystem = n % kSubsystems;
      writer.write([&](WriteTx& tx) {
        work_for(subsystem, tx, process, n);
        tx.execute("INSERT INTO work(process, n) VALUES (?, ?)", process, n);
      });
      say("ack " + std::to_string(n));
      if (subsystem == 1) writer.read([&](ReadTx& tx) { return nearest_embedding(tx, n); });
    }
    next_line();
    return Reply(true).set("n", n);
  }

  static constexpr int kSubsystems = 5;

  static void work_for(std::int64_t subsystem, WriteTx& tx, std::int64_t process, std::int64_t n) {
    switch (subsystem) {
      case 0:
        return change_entity(tx);
      case 1:
        return upsert_embedding(tx, process, n);
      case 2:
        return insert_audit(tx, process, n);
      case 3:
        return run_jobs(tx);
      default:
        insert_task(tx);
        return claim_task(tx);
    }
  }

  static inline Actor* paused_ = nullptr;
  std::string point_;
  Input input_;
  std::optional<Database> database_;
};

}  // namespace
}  // namespace turnstile::test

int main() {
  using turnstile::test::Actor;
  using turnstile::test::Reply;
  Actor actor;
  for (;;) {
    const std::string line = actor.next_line();
    Reply reply(true);
    try {
      reply = actor.run(line);
    } catch (const std::exception& error) {
      reply = Reply::of(error);
    }
    turnstile::test::say(reply.line());
  }
}
