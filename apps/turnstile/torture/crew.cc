#include "torture/crew.h"

#include <fmt/core.h>

#include <charconv>
#include <csignal>
#include <exception>
#include <optional>
#include <utility>

#include "torture/worker.h"

namespace turnstile::cli::torture {

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// The next word of a line, which is cut off it.
std::string_view next_word(std::string_view& line) {
  const std::size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

std::int64_t next_number(std::string_view& line) {
  const std::string_view word = next_word(line);
  std::int64_t number = 0;
  std::from_chars(word.data(), word.data() + word.size(), number);
  return number;
}

}  // namespace

Crew::Crew(std::filesystem::path database, const Settings& settings, Ledger& ledger, Report& report)
    : database_(std::move(database)),
      settings_(settings),
      ledger_(ledger),
      report_(report),
      random_(settings.seed),
      members_(static_cast<std::size_t>(settings.processes)) {
  try {
    int place = 0;
    for (Member& member : members_) {
      member.place = place++;
      start(member);
    }
  } catch (...) {
    kill_all();
    throw;
  }
}

Crew::~Crew() {
  kill_all();
}

void Crew::start(Member& member) {
  member.run = ++runs_;
  member.is_stopped = false;
  member.child = std::make_unique<Child>(Child::of_this_program(
      worker_words(database_.string(), member.run, settings_.threads, random_() >> 1U,
                   static_cast<long>(settings_.timeout.count()))));
  member.listener =
      std::thread([this, child = member.child.get(), place = member.place, run = member.run] {
        child->read_lines([this, place, run](std::string_view line) { take(place, run, line); });
      });
}

void Crew::tell(std::string_view line) {
  {
    const std::lock_guard lock(mutex_);
    answers_.clear();
  }
  is_working_ = is_working_ || line == "work";
  for (const Member& member : members_)
    member.child->send(line);
}

bool Crew::await(char answer, milliseconds limit, const std::function<bool()>& give_up) {
  constexpr milliseconds kAttention{20};
  const auto end = Clock::now() + limit;
  std::unique_lock lock(mutex_);
  while (answers_[answer] < members_.size()) {
    answered_.wait_for(lock, kAttention);
    if (give_up() || Clock::now() > end) return false;
  }
  return true;
}

void Crew::kill(std::size_t member) {
  report_.with_numbers([](Numbers& n) { ++n.kills; });
  replace(members_.at(member));
}

// The listener reads what the dead one has said to its end, so that the ledger is complete.
void Crew::replace(Member& member) {
  member.child->signal(SIGKILL);
  member.child->wait();
  member.listener.join();
  start(member);
  if (is_working_) member.child->send("work");
}

void Crew::stop(std::size_t index, milliseconds span) {
  Member& member = members_.at(index);
  if (member.is_stopped) return;
  report_.with_numbers([](Numbers& n) { ++n.stops; });
  member.child->signal(SIGSTOP);
  member.is_stopped = true;
  member.goes_on = Clock::now() + span;
}

void Crew::resume(Member& member) {
  if (std::exchange(member.is_stopped, false)) member.child->signal(SIGCONT);
}

void Crew::resume_all() {
  for (Member& member : members_)
    resume(member);
}

void Crew::limit_file_size(std::optional<std::uint64_t> bytes) {
  const auto note = [this](Clock::time_point until) {
    const std::lock_guard lock(mutex_);
    limited_until_ = until;
  };
  if (bytes) note(Clock::time_point::max());
  for (const Member& member : members_)
    member.child->limit_file_size(bytes);
  const bool had_limit = met_limit(Clock::time_point::max());
  if (!bytes && had_limit) note(Clock::now());
}

// A call that began before the last limit ended, and has ended by now.
bool Crew::met_limit(Clock::time_point began) {
  const std::lock_guard lock(mutex_);
  return began <= limited_until_;
}

void Crew::look_after() {
  for (Member& member : members_) {
    if (member.is_stopped && Clock::now() >= member.goes_on) resume(member);
    if (const auto status = member.child->poll()) {
      report_.find("WORKER_DIED", fmt::format("a worker ended by itself with {}", *status));
      replace(member);
    }
  }
}

void Crew::finish() {
  resume_all();
  for (const Member& member : members_)
    member.child->close_input();
  const auto end = Clock::now() + settings_.timeout;
  std::unique_lock lock(mutex_);
  for (Member& member : members_) {
    std::optional<int> status;
    while (!(status = member.child->poll()) && Clock::now() < end)
      answered_.wait_for(lock, milliseconds(5));
    if (status != 0) {
      report_.find("WORKER_HANGS",
                   status ? fmt::format("a worker ended with {} when it was to close", *status)
                          : "a worker does not close its database");
    }
  }
  lock.unlock();
  kill_all();
}

void Crew::kill_all() {
  for (const Member& member : members_)
    if (member.child) member.child->signal(SIGKILL);
  for (Member& member : members_) {
    if (member.child) member.child->wait();
    if (member.listener.joinable()) member.listener.join();
  }
}

// ---- What they say ----

void Crew::take(int place, std::int64_t run, std::string_view line) {
  const std::string whole(line);
  const std::string_view verb = next_word(line);
  const char kind = verb.size() == 1 ? verb.front() : '\0';
  try {
    switch (kind) {
      case 'a': {
        const std::int64_t thread = next_number(line);
        const std::int64_t n = next_number(line);
        const microseconds waited(next_number(line));
        ledger_.append(place, Answer::Done, run, thread, n);
        return report_.with_numbers([&](Numbers& numbers) {
          ++numbers.acknowledged;
          numbers.longest_write = std::max(numbers.longest_write, waited);
        });
      }
      case 'n':
      case 'u': {
        const std::int64_t thread = next_number(line);
        const std::int64_t n = next_number(line);
        ledger_.append(place, kind == 'n' ? Answer::Refused : Answer::Unknown, run, thread, n);
        return take_failure("write", line);
      }
      case 'q': {
        const microseconds took(next_number(line));
        return report_.with_numbers([&](Numbers& numbers) {
          ++numbers.reads;
          numbers.longest_read = std::max(numbers.longest_read, took);
        });
      }
      case 'j':
        return ledger_.append_enqueued(place, next_number(line));
      case 't':
        ledger_.append_task(place, next_number(line));
        return report_.with_numbers([](Numbers& numbers) { ++numbers.tasks_done; });
      case 'l':
        return report_.with_numbers([](Numbers& numbers) { ++numbers.tasks_taken_over; });
      case 'v':
        return report_.find("SNAPSHOT_BROKEN", std::string(line));
      case 's': {
        const std::int64_t seen = next_number(line);
        return report_.find("STALE_READ",
                            fmt::format("a thread saw {} of the {} writes that it had been told of",
                                        seen, next_number(line)));
      }
      case 'e': {
        const std::string_view what = next_word(line);
        return take_failure(what, line);
      }
      case 'o':
      case 'c':
      case 'f': {
        const std::lock_guard lock(mutex_);
        ++answers_[kind];
        return answered_.notify_all();
      }
      default:
        return report_.find("UNEXPECTED_OUTPUT", whole);
    }
  } catch (const std::exception& error) {
    report_.find("LEDGER_FAILED", error.what());
  }
}

void Crew::take_failure(std::string_view what, std::string_view line) {
  const std::string_view kind = next_word(line);
  const Clock::time_point began{Clock::duration(next_number(line))};
  if (kind == "full" && met_limit(began))
    return report_.with_numbers([](Numbers& numbers) { ++numbers.refused; });
  const std::string_view id = kind == "lock"                        ? "LOCK_FAILURE"
                              : kind == "timeout"                   ? "WAITED_TOO_LONG"
                              : kind == "damage"                    ? "DAMAGED"
                              : kind == "full" || kind == "storage" ? "STORAGE_FAILURE"
                                                                    : "UNEXPECTED_ERROR";
  report_.find(id, fmt::format("{}: {}", what, line));
}

}  // namespace turnstile::cli::torture
