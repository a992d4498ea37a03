#include "progress_bar.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace turnstile::cli {

namespace {

constexpr std::chrono::milliseconds kBetweenLines{100};
constexpr std::int64_t kWidth = 40;

}  // namespace

ProgressBar::ProgressBar(bool quiet) : enabled_(!quiet && ::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
  if (!has_line_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
}

ProgressSink ProgressBar::sink() {
  if (!enabled_) return {};
  return [this](const Progress& progress) { show(progress); };
}

void ProgressBar::show(const Progress& progress) {
  const auto now = std::chrono::steady_clock::now();
  if (progress.phase == phase_ && now < next_) return;
  phase_ = progress.phase;
  next_ = now + kBetweenLines;
  has_line_ = true;
  fmt::print(stderr, "\r\033[K{}", progress_line(progress));
  std::fflush(stderr);
}

std::string progress_line(const Progress& progress) {
  if (progress.total <= 0) return fmt::format("{} ...", progress.phase);
  const std::int64_t done = std::clamp<std::int64_t>(progress.done, 0, progress.total);
  const auto filled = static_cast<std::size_t>(kWidth * done / progress.total);
  return fmt::format("{:<9} [{:.<{}}] {:>3} %", progress.phase, std::string(filled, '#'), kWidth,
                     100 * done / progress.total);
}

}  // namespace turnstile::cli
