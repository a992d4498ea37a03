#include "input.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "failure.h"

namespace turnstile::cli {

namespace {

// SQLite takes no longer text, and nobody means to hold more of it in memory.
constexpr std::size_t kMostBytes = 1'000'000'000;

std::string read_all(int descriptor, const std::string& name) {
  std::string text;
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
    if (got == 0) return text;
    if (got < 0 && errno != EINTR) {
      throw Failure(ExitCode::Storage, "INPUT_UNREADABLE",
                    fmt::format("cannot read {}: {}", name, std::strerror(errno)),
                    "It must be a file, a pipe or a terminal that may be read.");
    }
    text.append(buffer.data(), got < 0 ? 0 : static_cast<std::size_t>(got));
    if (text.size() > kMostBytes) {
      throw Failure(ExitCode::Usage, "INPUT_UNREADABLE",
                    fmt::format("{} has more than {} bytes of SQL", name, kMostBytes),
                    "Split it: each part is then a transaction of its own.");
    }
  }
}

}  // namespace

std::string read_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    const bool missing = errno == ENOENT || errno == ENOTDIR;
    throw Failure(missing ? ExitCode::NotFound : ExitCode::Storage,
                  missing ? "INPUT_NOT_FOUND" : "INPUT_UNREADABLE",
                  fmt::format("cannot open '{}': {}", path, std::strerror(errno)),
                  "Check the path.");
  }
  struct Closer {
    int descriptor;
    ~Closer() { ::close(descriptor); }
  } const closer{descriptor};
  return read_all(descriptor, "'" + path + "'");
}

std::string read_standard_input() {
  return read_all(STDIN_FILENO, "standard input");
}

}  // namespace turnstile::cli
