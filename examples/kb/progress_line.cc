#include "progress_line.h"

#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <mutex>
#include <utility>

namespace kb {

namespace {

void show(const std::function<std::string()>& text, const std::stop_token& stop) {
  constexpr std::chrono::milliseconds kInterval{200};
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  do {
    fmt::print(stderr, "\r\033[K{}", text());
    std::fflush(stderr);
  } while (!stopped.wait_for(lock, stop, kInterval, [&] { return stop.stop_requested(); }));
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
}

}  // namespace

ProgressLine::ProgressLine(std::function<std::string()> text) {
  if (::isatty(STDERR_FILENO) == 0) return;
  thread_ = std::jthread([text = std::move(text)](const std::stop_token& stop) {
    try {
      show(text, stop);
    } catch (const std::exception&) {
      return;  // What cannot be shown is no reason to stop the work.
    }
  });
}

ProgressLine::~ProgressLine() = default;

}  // namespace kb
