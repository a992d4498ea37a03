// Progress on standard error, for a person at a terminal and for nobody else.
#pragma once

#include <chrono>
#include <string>

#include "turnstile/progress.h"

namespace turnstile::cli {

/// Threads: confined.
class ProgressBar {
 public:
  /// Shows nothing where standard error is no terminal, or `quiet`.
  explicit ProgressBar(bool quiet);
  /// Clears its line.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// It must outlive what it is given to.
  [[nodiscard]] ProgressSink sink();

 private:
  void show(const Progress& progress);

  const bool enabled_;
  std::string phase_;
  std::chrono::steady_clock::time_point next_;
  bool has_line_ = false;
};

/// `copy      [######....]  60 %`; without a bar where the total is not known.
[[nodiscard]] std::string progress_line(const Progress& progress);

}  // namespace turnstile::cli
