// Writes from an event loop, whose thread must never wait for a database. The loop is one eventfd
// and a queue; that of a framework has a function like post() too, such as asio::post() or
// QMetaObject::invokeMethod().
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <coroutine>
#include <cstdint>
#include <exception>
#include <functional>
#include <iostream>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "turnstile/turnstile.h"

namespace {

class EventLoop {
 public:
  EventLoop() : event_(::eventfd(0, EFD_CLOEXEC)) {}
  ~EventLoop() { ::close(event_); }
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // From any thread.
  void post(std::function<void()> call) {
    const std::lock_guard lock(mutex_);
    calls_.push_back(std::move(call));
    ::eventfd_write(event_, 1);
  }
  void stop() { running_ = false; }

  void run() {
    while (running_) {
      pollfd ready{.fd = event_, .events = POLLIN, .revents = 0};  // And sockets, timers, ...
      ::poll(&ready, 1, -1);
      eventfd_t count = 0;
      ::eventfd_read(event_, &count);
      for (const auto& call : take_calls())
        call();
    }
  }

 private:
  std::vector<std::function<void()>> take_calls() {
    const std::lock_guard lock(mutex_);
    return std::exchange(calls_, {});
  }

  const int event_;
  bool running_ = true;
  std::mutex mutex_;
  std::vector<std::function<void()>> calls_;
};

// The simplest coroutine: it runs, and nobody waits for it.
struct Job {
  struct promise_type {
    Job get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };
};

Job handle_request(EventLoop& loop, turnstile::Lane notes, std::string title) {
  const std::thread::id thread_of_loop = std::this_thread::get_id();
  const auto on_loop = [&loop](std::function<void()> go_on) { loop.post(std::move(go_on)); };
  // It has a name because g++ 12 copies a closure bit by bit that is written in a co_await itself.
  const auto insert = [title](turnstile::WriteTx& tx) {
    return tx.execute("INSERT INTO note(title) VALUES (?)", title).last_insert_rowid;
  };
  try {
    const std::int64_t id = co_await notes.async_write(on_loop, insert);
    std::cout << title << " has id " << id << ", told "
              << (std::this_thread::get_id() == thread_of_loop ? "on" : "off")
              << " the loop's thread\n";
  } catch (const turnstile::Error& error) {
    std::cout << title << ": " << error.what() << '\n';
  }
  loop.stop();
}

}  // namespace

int main() {
  turnstile::Options options;
  options.migrations = {{1, "notes", "CREATE TABLE note(id INTEGER PRIMARY KEY, title TEXT)"}};
  const turnstile::Database db = turnstile::Database::open("notes.db", options);

  EventLoop loop;
  handle_request(loop, db.lane("notes"), "a note");
  std::cout << "the loop goes on meanwhile\n";
  loop.run();
  return 0;
}

// Prints:
//   the loop goes on meanwhile
//   a note has id 1, told on the loop's thread
