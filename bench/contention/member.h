// Further processes: of this program, which begin together, or of another.
#pragma once

#include <sys/types.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace turnstile::bench {

/// A child. One that is this same program says that it is ready, is told to go, and answers with
/// its result; another answers at once. Threads: confined.
class Member {
 public:
  /// This same program with other arguments. Throws std::system_error.
  explicit Member(const std::vector<std::string>& arguments);
  /// Throws std::system_error when there is no such program.
  Member(std::string program, const std::vector<std::string>& arguments);
  Member(Member&& other) noexcept;
  Member& operator=(Member&&) = delete;
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;
  /// Waits for the child's end.
  ~Member();

  void wait_until_ready();
  void go(std::string_view message);
  /// Throws std::runtime_error when the child ended without one.
  nlohmann::json result();

 private:
  /// Threads: confined.
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;

  std::string read_line();

  File to_child_;
  File from_child_;
  pid_t pid_ = -1;
};

/// The child's half: says that it is ready and returns the message of go().
std::string wait_for_go();

}  // namespace turnstile::bench
