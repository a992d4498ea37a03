#include "torture/child.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace turnstile::cli::torture {

namespace {

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot make a pipe");
  return ends;
}

int code_of(int status) {
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

// A command blocks the signals that it waits for, and this program ignores SIGPIPE: neither is for
// its children. What whoever started us wants to be ignored, as nohup does, stays ignored there.
class SpawnAttributes {
 public:
  SpawnAttributes() {
    sigset_t none;
    ::sigemptyset(&none);
    sigset_t ignored_by_us;
    ::sigemptyset(&ignored_by_us);
    ::sigaddset(&ignored_by_us, SIGPIPE);
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &ignored_by_us);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;

  [[nodiscard]] const posix_spawnattr_t* get() const noexcept { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

}  // namespace

Child Child::of_this_program(std::vector<std::string> words) {
  words.insert(words.begin(), "turnstile");
  return Child(std::move(words), true);
}

Child::Child(std::vector<std::string> words, bool is_this_program) {
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words)
    pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const std::array<int, 2> to_child = make_pipe();
  const std::array<int, 2> from_child = make_pipe();
  posix_spawn_file_actions_t actions{};
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, to_child[0], STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, from_child[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, from_child[1], STDERR_FILENO);
  const SpawnAttributes attributes;
  const auto spawn = is_this_program ? ::posix_spawn : ::posix_spawnp;
  const char* const program = is_this_program ? "/proc/self/exe" : pointers.front();
  const int result = spawn(&pid_, program, &actions, attributes.get(), pointers.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(to_child[0]);
  ::close(from_child[1]);
  input_ = to_child[1];
  output_ = from_child[0];
  if (result == 0) return;
  ::close(input_);
  ::close(output_);
  throw std::system_error(result, std::generic_category(), "cannot start " + words.front());
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      input_(std::exchange(other.input_, -1)),
      output_(std::exchange(other.output_, -1)),
      status_(other.status_) {}

Child::~Child() {
  close_input();
  if (pid_ > 0 && !status_) {
    signal(SIGKILL);
    wait();
  }
  if (output_ >= 0) ::close(output_);
}

void Child::send(std::string_view line) const noexcept {
  const std::string text = std::string(line) + "\n";
  // Short enough for a pipe to take it as a whole; a worker that is gone does not take it.
  while (::write(input_, text.data(), text.size()) < 0 && errno == EINTR) {
  }
}

void Child::close_input() noexcept {
  if (input_ >= 0) ::close(std::exchange(input_, -1));
}

void Child::read_lines(const std::function<void(std::string_view)>& take) const {
  std::string unread;
  std::array<char, 65536> block{};
  for (;;) {
    const ssize_t count = ::read(output_, block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    unread.append(block.data(), static_cast<std::size_t>(count));
    std::size_t begin = 0;
    for (std::size_t end = unread.find('\n'); end != std::string::npos;
         end = unread.find('\n', begin)) {
      take(std::string_view(unread).substr(begin, end - begin));
      begin = end + 1;
    }
    unread.erase(0, begin);
  }
  if (!unread.empty()) take(unread);
}

void Child::signal(int number) const noexcept {
  if (pid_ > 0 && !status_) ::kill(pid_, number);
}

void Child::limit_file_size(std::optional<rlim_t> bytes) const noexcept {
  rlimit limit{};
  if (status_ || ::prlimit(pid_, RLIMIT_FSIZE, nullptr, &limit) != 0) return;
  limit.rlim_cur = bytes.value_or(limit.rlim_max);
  ::prlimit(pid_, RLIMIT_FSIZE, &limit, nullptr);
}

std::optional<int> Child::poll() noexcept {
  int status = 0;
  if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) status_ = code_of(status);
  return status_;
}

int Child::wait() noexcept {
  int status = 0;
  while (!status_) {
    const pid_t ended = ::waitpid(pid_, &status, 0);
    if (ended == pid_)
      status_ = code_of(status);
    else if (errno != EINTR)
      status_ = -1;
  }
  return *status_;
}

Finished run_to_end(Child child) {
  Finished finished;
  child.close_input();
  child.read_lines([&](std::string_view line) {
    finished.output += line;
    finished.output += '\n';
  });
  finished.status = child.wait();
  return finished;
}

}  // namespace turnstile::cli::torture
