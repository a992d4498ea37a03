#include "display.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "search.h"

namespace kb {

namespace {

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

}  // namespace

std::string with_commas(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t first = digits.front() == '-' ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string human_bytes(std::int64_t bytes) {
  constexpr std::array kUnits{"bytes", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} bytes", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

double in_ms(std::chrono::microseconds time) {
  return static_cast<double>(time.count()) / 1000;
}

std::string human_time(std::chrono::microseconds time) {
  const double ms = in_ms(time);
  return ms < 10 ? fmt::format("{:.1f} ms", ms) : fmt::format("{:.0f} ms", ms);
}

std::string printable(std::string_view text) {
  std::string shown(text);
  std::ranges::replace_if(shown, is_control, ' ');
  return shown;
}

std::string printable_snippet(std::string_view snippet, bool colours) {
  std::string shown;
  for (const char c : snippet)
    if (c == kMatchBegin)
      shown += colours ? "\033[1m" : "[";
    else if (c == kMatchEnd)
      shown += colours ? "\033[0m" : "]";
    else if (c != ' ' && !is_control(c))
      shown += c;
    else if (!shown.empty() && shown.back() != ' ')
      shown += ' ';
  return shown;
}

bool wants_colours(int descriptor) {
  const char* const no_color = std::getenv("NO_COLOR");
  return ::isatty(descriptor) == 1 && (no_color == nullptr || *no_color == '\0');
}

ProgressLine::ProgressLine() : live_(::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
  end();
}

bool ProgressLine::is_due() const {
  constexpr std::chrono::milliseconds kLive{200};
  constexpr std::chrono::milliseconds kPlain{1000};
  return std::chrono::steady_clock::now() - last_ >= (live_ ? kLive : kPlain);
}

void ProgressLine::show(const std::string& line) {
  last_ = std::chrono::steady_clock::now();
  if (live_) {
    // Back to the beginning of the line, and away with what a longer line left behind.
    fmt::print(stderr, "\r{}\033[K", line);
    open_ = true;
  } else {
    fmt::print(stderr, "{}\n", line);
  }
  std::fflush(stderr);
}

void ProgressLine::end() {
  if (open_) {
    std::fputc('\n', stderr);
    open_ = false;
  }
}

}  // namespace kb
