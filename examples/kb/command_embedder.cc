#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "embedder.h"

// glibc declares it only for those who ask for GNU extensions.
extern char** environ;

namespace kb {

namespace {

using Json = nlohmann::json;

constexpr std::chrono::seconds kPatience{60};

[[noreturn]] void raise_system(const char* what, int error) {
  throw std::system_error(error, std::system_category(), what);
}

// Owns a descriptor. Threads: confined.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) noexcept : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int get() const noexcept { return number_; }

 private:
  int number_ = -1;
};

// The running program; killed and waited for at the end. Threads: confined.
class Child {
 public:
  // A pair of sockets instead of two pipes: writing to one whose other end is gone is an error and
  // no signal.
  explicit Child(const std::string& command) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
      raise_system("no socket for the embedder", errno);
    socket_ = Descriptor(ends[0]);
    const Descriptor theirs(ends[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDOUT_FILENO);
    // The signals that this program blocks are not to be blocked in the child.
    posix_spawnattr_t attributes;
    ::posix_spawnattr_init(&attributes);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    std::string shell = "sh";
    std::string flag = "-c";
    std::string words = command;
    const std::array<char*, 4> arguments{shell.data(), flag.data(), words.data(), nullptr};
    const int error =
        ::posix_spawn(&pid_, "/bin/sh", &actions, &attributes, arguments.data(), environ);
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) raise_system("the embedder cannot be started", error);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  [[nodiscard]] std::string ask(const std::string& line) {
    const auto until = std::chrono::steady_clock::now() + kPatience;
    send(line, until);
    return receive(until);
  }

 private:
  using Until = std::chrono::steady_clock::time_point;

  void wait_for(short event, Until until) const {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd waited{socket_.get(), event, 0};
    if (left.count() <= 0 || ::poll(&waited, 1, static_cast<int>(left.count())) == 0)
      throw std::runtime_error(fmt::format("it took over {} s", kPatience.count()));
  }

  void send(std::string_view text, Until until) const {
    while (!text.empty()) {
      wait_for(POLLOUT, until);
      const ssize_t count =
          ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count < 0 && errno != EINTR && errno != EAGAIN) raise_system("it does not read", errno);
      if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  [[nodiscard]] std::string receive(Until until) {
    std::size_t end = received_.find('\n');
    while (end == std::string::npos) {
      wait_for(POLLIN, until);
      std::array<char, 65536> piece{};
      const ssize_t count = ::recv(socket_.get(), piece.data(), piece.size(), MSG_DONTWAIT);
      if (count == 0) throw std::runtime_error("it ended without an answer");
      if (count < 0 && errno != EINTR && errno != EAGAIN)
        raise_system("its answer cannot be read", errno);
      if (count > 0) received_.append(piece.data(), static_cast<std::size_t>(count));
      end = received_.find('\n');
    }
    std::string line = received_.substr(0, end);
    received_.erase(0, end + 1);
    return line;
  }

  pid_t pid_ = 0;
  Descriptor socket_;
  std::string received_;  // What came after the last line.
};

class CommandEmbedder final : public Embedder {
 public:
  explicit CommandEmbedder(std::string command) : command_(std::move(command)) {
    const std::string sample = "what dimension do you have?";
    dimension_ = static_cast<int>(embed(std::span(&sample, 1)).front().size());
  }

  [[nodiscard]] std::string model() const override { return command_; }
  [[nodiscard]] int dimension() const override { return dimension_; }

  [[nodiscard]] std::vector<std::vector<float>> embed(std::span<const std::string> texts) override {
    const std::string question =
        Json{{"texts", std::vector<std::string>(texts.begin(), texts.end())}}.dump() + "\n";
    const std::lock_guard lock(mutex_);
    if (!child_) child_ = std::make_unique<Child>(command_);
    try {
      return vectors_of(Json::parse(child_->ask(question)), texts.size());
    } catch (const std::exception& error) {
      child_.reset();  // What it would say next belongs to nobody knows which question.
      throw std::runtime_error(fmt::format("embedder '{}': {}", command_, error.what()));
    }
  }

 private:
  [[nodiscard]] std::vector<std::vector<float>> vectors_of(const Json& answer,
                                                           std::size_t texts) const {
    auto vectors = answer.at("vectors").get<std::vector<std::vector<float>>>();
    if (vectors.size() != texts)
      throw std::runtime_error(fmt::format("{} vectors for {} texts", vectors.size(), texts));
    const std::size_t expected =
        dimension_ == 0 ? vectors.front().size() : static_cast<std::size_t>(dimension_);
    for (const std::vector<float>& vector : vectors)
      if (vector.empty() || vector.size() != expected)
        throw std::runtime_error(fmt::format("a vector of {} numbers", vector.size()));
    return vectors;
  }

  const std::string command_;
  int dimension_ = 0;
  std::mutex mutex_;  // Guards what follows: one question at a time.
  std::unique_ptr<Child> child_;
};

}  // namespace

std::unique_ptr<Embedder> make_command_embedder(const std::string& command) {
  return std::make_unique<CommandEmbedder>(command);
}

}  // namespace kb
