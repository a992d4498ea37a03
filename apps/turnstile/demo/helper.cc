#include "demo/helper.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <system_error>
#include <utility>

#include "failure.h"

namespace turnstile::cli::demo {

namespace {

[[noreturn]] void helper_failed(const std::string& what) {
  throw Failure(ExitCode::Storage, "UNEXPECTED", "the demonstration's helper process " + what,
                "Please report it with the message.");
}

// Kept ready before fork(), after which no memory may be asked for.
struct ChildPlan {
  std::array<const char*, 6> words{};
  std::string program;
  std::string directory;
  std::string disk_options;
  std::string user_map;
  std::string group_map;
  pid_t parent = 0;
  int input = -1;
  int output = -1;
};

bool write_text(const char* path, const std::string& text) noexcept {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool written = ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(file);
  return written;
}

// A tmpfs that only the child and its children see. Without root, a user namespace gives the right
// to mount inside it.
bool mount_small_disk(const ChildPlan& plan) noexcept {
  const bool is_root = ::geteuid() == 0;
  if (::unshare(is_root ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0) return false;
  if (!is_root && !(write_text("/proc/self/setgroups", "deny") &&
                    write_text("/proc/self/gid_map", plan.group_map) &&
                    write_text("/proc/self/uid_map", plan.user_map)))
    return false;
  return ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("none", plan.directory.c_str(), "tmpfs", 0, plan.disk_options.c_str()) == 0;
}

// The exit status of a child that could not get its disk; no program of ours ends with it.
constexpr int kNoDisk = 111;

[[noreturn]] void become(const ChildPlan& plan) noexcept {
  // With its parent gone nobody would ever end it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != plan.parent) ::_exit(1);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  if (::dup2(plan.input, 0) < 0 || ::dup2(plan.output, 1) < 0) ::_exit(1);
  if (!plan.disk_options.empty() && !mount_small_disk(plan)) ::_exit(kNoDisk);
  if (::chdir(plan.directory.c_str()) != 0) ::_exit(1);
  ::execv(plan.program.c_str(), const_cast<char* const*>(plan.words.data()));
  ::_exit(1);
}

}  // namespace

Helper::Helper(std::string_view cause, std::string_view part, const HelperOptions& options)
    : name_(part) {
  std::array<int, 2> to_child{};
  std::array<int, 2> from_child{};
  if (::pipe2(to_child.data(), O_CLOEXEC) != 0 || ::pipe2(from_child.data(), O_CLOEXEC) != 0)
    helper_failed("could not be spoken to: " + std::system_category().message(errno));
  const std::string cause_word(cause);
  ChildPlan plan;
  plan.words = {"turnstile", "demo", cause_word.c_str(), "--part", name_.c_str(), nullptr};
  plan.program = std::filesystem::read_symlink("/proc/self/exe").string();
  plan.directory = options.directory;
  if (options.small_disk_bytes > 0) {
    plan.disk_options = "mode=0777,size=" + std::to_string(options.small_disk_bytes);
    plan.user_map = "0 " + std::to_string(::geteuid()) + " 1";
    plan.group_map = "0 " + std::to_string(::getegid()) + " 1";
  }
  plan.parent = ::getpid();
  plan.input = to_child[0];
  plan.output = from_child[1];
  pid_ = ::fork();
  if (pid_ == 0) become(plan);
  ::close(to_child[0]);
  ::close(from_child[1]);
  input_ = to_child[1];
  output_ = from_child[0];
  if (pid_ < 0) helper_failed("could not be started: " + std::system_category().message(errno));
}

Helper::Helper(Helper&& other) noexcept
    : name_(std::move(other.name_)),
      pid_(std::exchange(other.pid_, -1)),
      input_(std::exchange(other.input_, -1)),
      output_(std::exchange(other.output_, -1)),
      buffer_(std::move(other.buffer_)) {}

Helper::~Helper() {
  kill();
  if (input_ >= 0) ::close(input_);
  if (output_ >= 0) ::close(output_);
}

void Helper::send(std::string_view line) const {
  const std::string text = std::string(line) + "\n";
  // A pipe takes a line whole. SIGPIPE is ignored by the program.
  if (::write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    helper_failed("'" + name_ + "' has ended");
}

bool Helper::read_more() {
  std::array<char, 4096> block{};
  for (;;) {
    const ssize_t count = ::read(output_, block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    buffer_.append(block.data(), static_cast<std::size_t>(count));
    return true;
  }
}

std::string Helper::hear() {
  std::size_t end = 0;
  while ((end = buffer_.find('\n')) == std::string::npos)
    if (!read_more()) helper_failed("'" + name_ + "' ended too early");
  std::string line = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  return line;
}

void Helper::read_to_end() {
  if (input_ >= 0) ::close(std::exchange(input_, -1));
  while (read_more()) {
  }
}

std::string Helper::finish() {
  read_to_end();
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNoDisk)
    return R"({"impossible":"the system permits no file system of one's own"})";
  if (!buffer_.empty()) buffer_.pop_back();  // The last newline.
  const std::size_t last = buffer_.rfind('\n');
  if (status != 0 || buffer_.empty())
    helper_failed("'" + name_ + "' ended with status " + std::to_string(status));
  return last == std::string::npos ? buffer_ : buffer_.substr(last + 1);
}

void Helper::stop() const {
  ::kill(pid_, SIGSTOP);
  int status = 0;
  while (::waitpid(pid_, &status, WUNTRACED) < 0 && errno == EINTR) {
  }
}

void Helper::kill() noexcept {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

}  // namespace turnstile::cli::demo
