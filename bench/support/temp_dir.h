// A directory for one benchmark's files, on the disk that the runner chose.
#pragma once

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace turnstile::bench {

/// Made in $TURNSTILE_BENCH_DIR (else in the current directory) and removed with all that is in
/// it. Not in the system's temporary directory, which may live in memory: there a commit that waits
/// for the disk would cost nothing. Threads: confined.
class TempDir {
 public:
  TempDir() {
    const char* chosen = std::getenv("TURNSTILE_BENCH_DIR");
    const std::filesystem::path parent =
        chosen == nullptr ? std::filesystem::current_path() : std::filesystem::path(chosen);
    std::filesystem::create_directories(parent);
    std::string name = (parent / "bench-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw std::system_error(errno, std::generic_category(), "cannot make " + name);
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace turnstile::bench
