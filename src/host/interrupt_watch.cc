#include "turnstile/interrupt_watch.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <system_error>
#include <thread>

#include "sqlite/call.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile {

namespace {

constexpr std::array kSignals{SIGINT, SIGTERM};
constexpr int kInterrupted = 130;  // What shells say of a program that SIGINT has ended: 128 + 2.
constexpr int kNone = -1;

// What the handler uses: it may run on any thread at any moment, so that only atomics without locks
// will do. The bell is made once and stays: a handler that is late must not find another file.
std::atomic<int> g_bell{kNone};
std::atomic<int> g_interrupts{0};
std::atomic<pid_t> g_owner{0};  // 0: there is no watch.
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<pid_t>::is_always_lock_free);

extern "C" void on_interrupt(int signal) {
  const int before = errno;
  if (g_owner != ::getpid()) {
    // A child of fork(), whose bell is its parent's. It happens when the handler returns.
    ::signal(signal, SIG_DFL);
    ::raise(signal);
  } else if (g_interrupts.fetch_add(1) > 0) {
    ::_exit(kInterrupted);
  } else {
    ::eventfd_write(g_bell, 1);
  }
  errno = before;
}

}  // namespace

/// Threads: confined.
struct InterruptWatch::Watcher {
  Watcher();
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  void run();
  void install() noexcept;
  void put_back() noexcept;

  std::stop_source stop;
  std::atomic<bool> finished{false};
  std::array<struct sigaction, kSignals.size()> former{};
  std::thread thread;
};

InterruptWatch::Watcher::Watcher() {
  if (g_bell == kNone) g_bell = ::eventfd(0, EFD_CLOEXEC);
  if (g_bell == kNone) throw std::system_error(errno, std::generic_category(), "eventfd");
  g_interrupts = 0;
  thread = std::thread([this] { run(); });
  install();
}

void InterruptWatch::Watcher::install() noexcept {
  for (std::size_t number = 0; number < kSignals.size(); ++number) {
    ::sigaction(kSignals.at(number), nullptr, &former.at(number));
    if (former.at(number).sa_handler == SIG_IGN) continue;
    struct sigaction action {};
    action.sa_handler = on_interrupt;
    action.sa_flags = SA_RESTART;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(kSignals.at(number), &action, nullptr);
  }
}

void InterruptWatch::Watcher::put_back() noexcept {
  for (std::size_t number = 0; number < kSignals.size(); ++number)
    ::sigaction(kSignals.at(number), &former.at(number), nullptr);
}

void InterruptWatch::Watcher::run() {
  // Until the end, because a late handler may ring for nothing.
  for (;;) {
    eventfd_t rung = 0;
    if (::eventfd_read(g_bell, &rung) != 0) continue;
    if (finished) return;
    if (g_interrupts > 0) stop.request_stop();
  }
}

InterruptWatch::Watcher::~Watcher() {
  put_back();
  if (g_owner != ::getpid()) {
    thread.detach();  // Of a child of fork(), which has no such thread.
    return;
  }
  finished = true;
  ::eventfd_write(g_bell, 1);
  thread.join();
  g_owner = 0;
}

InterruptWatch::InterruptWatch(std::source_location where) {
  pid_t nobody = 0;
  if (!g_owner.compare_exchange_strong(nobody, ::getpid())) {
    sqlite::raise_misuse(code("INTERRUPT_WATCH_EXISTS"),
                         "there is an InterruptWatch in this process already",
                         Call{.lane = {}, .where = where});
  }
  try {
    watcher_ = std::make_unique<Watcher>();
  } catch (...) {
    g_owner = 0;
    throw;
  }
}

InterruptWatch::~InterruptWatch() = default;

std::stop_token InterruptWatch::token() const noexcept {
  return watcher_->stop.get_token();
}

HostStopReport run_until_interrupted(Host& host, std::source_location where) {
  const InterruptWatch watch(where);
  const std::stop_callback forward(watch.token(), [&host] { host.request_stop(); });
  try {
    host.start(where);
    host.wait();
  } catch (const Cancelled&) {
    if (!host.stop_token().stop_requested()) throw;
  }
  return host.stop(where);
}

}  // namespace turnstile
