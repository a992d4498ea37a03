#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "command.h"
#include "context.h"
#include "failure.h"
#include "json.h"
#include "live/live_json.h"
#include "live/live_text.h"
#include "text.h"
#include "turnstile/options.h"

namespace turnstile::cli {

namespace {

constexpr std::chrono::milliseconds kShortestInterval{100};

struct Size {
  std::size_t columns = 80;
  std::size_t rows = 0;  // 0: no end.
};

// Asked for each time, so that a terminal may change its size.
Size size_of_terminal() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    return {.rows = 24};
  return {size.ws_col, size.ws_row};
}

/// A screen of its own, which the terminal takes back at the end with all that was there before.
///
/// Threads: draw() is confined, leave() is shared.
class Screen {
 public:
  explicit Screen(Output& output) : output_(output) {
    // Ctrl-Z and Ctrl-\ would leave a shell on this screen, without a cursor.
    if (::tcgetattr(STDOUT_FILENO, &former_) == 0) {
      termios keys = former_;
      keys.c_cc[VSUSP] = keys.c_cc[VQUIT] = _POSIX_VDISABLE;
      has_former_ = ::tcsetattr(STDOUT_FILENO, TCSANOW, &keys) == 0;
    }
    // The other screen, without a cursor.
    output_.write("\x1b[?1049h\x1b[?25l");
  }
  ~Screen() { leave(); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // In place, and without clearing first, so that nothing flickers.
  void draw(const std::vector<std::string>& lines, std::size_t rows) {
    std::string text = "\x1b[H";
    const std::size_t shown = std::min(lines.size(), rows);
    for (std::size_t i = 0; i < shown; ++i) {
      text += lines[i] + "\x1b[K";
      if (i + 1 < shown) text += "\r\n";
    }
    text += "\x1b[J";
    const std::lock_guard lock(mutex_);
    if (left_) return;
    output_.write(text);
    output_.flush();
  }

  // At a signal at once: a look that takes long may be ended with the process.
  void leave() noexcept {
    const std::lock_guard lock(mutex_);
    if (std::exchange(left_, true)) return;
    if (has_former_) ::tcsetattr(STDOUT_FILENO, TCSANOW, &former_);
    try {
      output_.write("\x1b[?25h\x1b[?1049l");
      output_.flush();
    } catch (...) {
      // Nobody is there to see it.
      return;
    }
  }

 private:
  Output& output_;
  termios former_{};
  bool has_former_ = false;
  std::mutex mutex_;
  bool left_ = false;
};

void print(const LiveView& view, Context& context) {
  Output& output = context.output;
  if (context.arguments.json()) {
    // One object a line, on a terminal too.
    output.write(dump(live_to_json(view)) + "\n");
  } else {
    const std::size_t columns = output.is_terminal() ? size_of_terminal().columns : Size().columns;
    for (const std::string& line : live_lines(view, output.style(), columns))
      output.write(line + "\n");
  }
  output.flush();
}

std::chrono::milliseconds interval_of(const Arguments& arguments) {
  const auto interval = arguments.duration("--interval").value_or(std::chrono::seconds(1));
  if (interval < kShortestInterval)
    throw usage_failure("--interval is too short", "Take 100ms or longer.");
  return interval;
}

}  // namespace

ExitCode run_top(Context& context) {
  const Arguments& arguments = context.arguments;
  const std::string db = arguments.positional("DB");
  const std::chrono::milliseconds interval = interval_of(arguments);
  LiveSource source(db.starts_with("file:") ? Options::from_uri(db).path : db);
  if (arguments.has("--once")) {
    print(source.look(), context);
    return ExitCode::Done;
  }
  Output& output = context.output;
  if (output.is_screen() && !arguments.json()) {
    Screen screen(output);
    const Interrupts::StopAction stop(context.interrupts, [&screen] { screen.leave(); });
    do {
      const Size size = size_of_terminal();
      screen.draw(live_lines(source.look(), output.style(), size.columns), size.rows);
    } while (!context.interrupts.wait_for(interval));
    return ExitCode::Interrupted;
  }
  const Interrupts::StopAction stop(context.interrupts, [] {});  // The wait below sees it.
  bool is_first = true;
  do {
    if (!is_first && !arguments.json()) output.write("\n");
    is_first = false;
    print(source.look(), context);
  } while (!context.interrupts.wait_for(interval));
  return ExitCode::Interrupted;
}

}  // namespace turnstile::cli
