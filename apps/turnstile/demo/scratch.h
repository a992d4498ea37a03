// A directory of a demonstration's own, gone when it ends.
#pragma once

#include <string>

namespace turnstile::cli::demo {

/// Threads: confined.
class Scratch {
 public:
  /// Throws Failure when there is no room for it.
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  /// A new directory in it, into which other users may look.
  [[nodiscard]] std::string make(const std::string& name) const;

 private:
  std::string path_;
};

}  // namespace turnstile::cli::demo
