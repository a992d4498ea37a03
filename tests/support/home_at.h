// Another home directory for a part of a test.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>

namespace turnstile::test {

/// Threads: confined; no other thread may ask for the environment meanwhile.
class HomeAt {
 public:
  explicit HomeAt(const std::filesystem::path& home) {
    if (const char* before = std::getenv("HOME")) before_ = before;
    ::setenv("HOME", home.c_str(), 1);
  }
  ~HomeAt() {
    if (before_)
      ::setenv("HOME", before_->c_str(), 1);
    else
      ::unsetenv("HOME");
  }
  HomeAt(const HomeAt&) = delete;
  HomeAt& operator=(const HomeAt&) = delete;

 private:
  std::optional<std::string> before_;
};

}  // namespace turnstile::test
