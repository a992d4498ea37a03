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

/// Appends what comes next; false at the end.
bool read_some(int descriptor, const std::string& name, std::string& text) {
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
    if (got == 0) return false;
    if (got > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(got));
      return true;
    }
    if (errno != EINTR) {
      throw Failure(ExitCode::Storage, "INPUT_UNREADABLE",
                    fmt::format("cannot read {}: {}", name, std::strerror(errno)),
                    "It must be a file, a pipe or a terminal that may be read.");
    }
  }
}

std::string read_all(int descriptor, const std::string& name) {
  std::string text;
  while (read_some(descriptor, name, text)) {
    if (text.size() > kMostBytes) {
      throw Failure(ExitCode::Usage, "INPUT_UNREADABLE",
                    fmt::format("{} has more than {} bytes of SQL", name, kMostBytes),
                    "Split it: each part is then a transaction of its own.");
    }
  }
  return text;
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

void for_each_input_line(const std::function<void(const std::string&, std::int64_t)>& use) {
  constexpr std::size_t kLongestLine = std::size_t{64} << 20;
  std::string unread;
  std::int64_t number = 0;
  bool more = true;
  while (more) {
    std::size_t looked_at = unread.size();
    more = read_some(STDIN_FILENO, "standard input", unread);
    if (!more && !unread.empty()) unread += '\n';
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = unread.find('\n', looked_at)) != std::string::npos;
         begin = looked_at = end + 1) {
      use(unread.substr(begin, end - begin), ++number);
    }
    unread.erase(0, begin);
    if (unread.size() > kLongestLine) {
      throw Failure(ExitCode::Usage, "INPUT_UNREADABLE",
                    fmt::format("line {} has more than 64 MiB", number + 1),
                    "End each line with a line feed.");
    }
  }
}

}  // namespace turnstile::cli
