// How things are shown to people: figures, safe text, and a line of progress.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace kb {

[[nodiscard]] std::string with_commas(std::int64_t number);
[[nodiscard]] std::string human_bytes(std::int64_t bytes);
[[nodiscard]] std::string human_time(std::chrono::microseconds time);
[[nodiscard]] double in_ms(std::chrono::microseconds time);

/// `text` with blanks for control characters: what is shown must not steer the terminal.
[[nodiscard]] std::string printable(std::string_view text);

/// A snippet of search() in one line. What was found is bold where `colours` are wanted, in
/// brackets elsewhere; several blanks become one.
[[nodiscard]] std::string printable_snippet(std::string_view snippet, bool colours);

[[nodiscard]] bool wants_colours(int descriptor);

/// Tells standard error how far things are: on a terminal in one line that is rewritten, elsewhere
/// in a line of its own now and then.
///
/// Threads: confined.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// True when it is time for another line, so that nobody gathers figures for nothing.
  [[nodiscard]] bool is_due() const;
  void show(const std::string& line);
  /// Leaves the terminal's line, for messages.
  void end();

 private:
  const bool live_;
  bool open_ = false;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace kb
