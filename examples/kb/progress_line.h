// One line on a terminal that is written again and again; nothing when it is no terminal.
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace kb {

/// Shows `text()` a few times a second while it exists. Threads: confined.
class ProgressLine {
 public:
  explicit ProgressLine(std::function<std::string()> text);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

 private:
  std::jthread thread_;
};

}  // namespace kb
