#include "contention/member.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <iostream>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace turnstile::bench {
namespace {

constexpr std::string_view kReady = "ready";
constexpr const char* kThisProgram = "/proc/self/exe";

void require(int error, const char* what) {
  if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) require(errno, "pipe2");
  return ends;
}

/// What the child finds as its standard input and output. Threads: confined.
class Redirection {
 public:
  Redirection(int input, int output) {
    require(::posix_spawn_file_actions_init(&actions_), "posix_spawn_file_actions_init");
    require(::posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO), "adddup2");
    require(::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO), "adddup2");
  }
  Redirection(const Redirection&) = delete;
  Redirection& operator=(const Redirection&) = delete;
  ~Redirection() { ::posix_spawn_file_actions_destroy(&actions_); }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

}  // namespace

Member::Member(const std::vector<std::string>& arguments) : Member(kThisProgram, arguments) {}

Member::Member(std::string program, const std::vector<std::string>& arguments) {
  std::vector<std::string> words{std::move(program)};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words)
    pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const std::array<int, 2> input = make_pipe();
  const std::array<int, 2> output = make_pipe();
  const Redirection redirection(input[0], output[1]);
  const int spawned =
      ::posix_spawn(&pid_, pointers.front(), redirection.get(), nullptr, pointers.data(), environ);
  ::close(input[0]);
  ::close(output[1]);
  to_child_.reset(::fdopen(input[1], "w"));
  from_child_.reset(::fdopen(output[0], "r"));
  require(spawned, pointers.front());
}

Member::Member(Member&& other) noexcept
    : to_child_(std::move(other.to_child_)),
      from_child_(std::move(other.from_child_)),
      pid_(std::exchange(other.pid_, -1)) {}

Member::~Member() {
  if (pid_ <= 0) return;
  to_child_.reset();  // A child that still waits to be told ends now.
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
}

void Member::wait_until_ready() {
  if (read_line() != kReady) throw std::runtime_error("a member process did not start");
}

void Member::go(std::string_view message) {
  std::fwrite(message.data(), 1, message.size(), to_child_.get());
  std::fputc('\n', to_child_.get());
  std::fflush(to_child_.get());
}

nlohmann::json Member::result() {
  const std::string line = read_line();
  if (line.empty()) throw std::runtime_error("a member process ended without a result");
  return nlohmann::json::parse(line);
}

std::string Member::read_line() {
  std::string line;
  for (int c = std::fgetc(from_child_.get()); c != EOF && c != '\n';
       c = std::fgetc(from_child_.get()))
    line += static_cast<char>(c);
  return line;
}

std::string wait_for_go() {
  std::cout << kReady << std::endl;
  std::string message;
  if (!std::getline(std::cin, message)) throw std::runtime_error("nobody said go");
  return message;
}

}  // namespace turnstile::bench
