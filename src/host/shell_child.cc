#include "host/shell_child.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gate/write_all.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::host {

namespace {

[[noreturn]] void raise_not_started(const ShellCommand& command, std::string_view why, int cause,
                                    const Call& call) {
  sqlite::raise_system(code("COMMAND_NOT_STARTED"),
                       "cannot run '" + command.words.front() + "'" + std::string(why), cause,
                       call);
}

[[noreturn]] void raise_status_lost(std::string_view who, const Call& call) {
  throw Error({.code = code("COMMAND_STATUS_LOST"),
               .message = "how a command ended cannot be learned: " + std::string(who),
               .where = call.where});
}

void check(const ShellCommand& command, const Call& call) {
  const auto refuse = [&call](std::string message) {
    sqlite::raise_misuse(code("COMMAND_INVALID"), std::move(message), call);
  };
  const auto has_nul = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  if (command.words.empty() || command.words.front().empty())
    refuse("the command has no words: its first one is the program");
  if (std::ranges::any_of(command.words, has_nul))
    refuse("a word of the command '" + command.words.front().substr(0, 64) + "' has a NUL byte");
  for (const auto& [name, value] : command.environment)
    if (name.empty() || name.find('=') != std::string::npos || has_nul(name) || has_nul(value))
      refuse("'" + name +
             "' cannot be in an environment: a name is not empty and has no '=', "
             "and there are no NUL bytes");
  // With this disposition the kernel forgets children as soon as they end.
  struct sigaction action {};
  ::sigaction(SIGCHLD, nullptr, &action);
  if (action.sa_handler == SIG_IGN || (action.sa_flags & SA_NOCLDWAIT) != 0)
    raise_status_lost("this program ignores SIGCHLD", call);
}

// Above the three that the child gets, so that giving it one never overwrites another. That happens
// in programs that have closed their own standard streams.
[[nodiscard]] gate::Descriptor moved_up(gate::Descriptor descriptor) {
  constexpr int kFirstFree = 3;
  if (descriptor.number() < 0 || descriptor.number() >= kFirstFree) return descriptor;
  return gate::Descriptor(::fcntl(descriptor.number(), F_DUPFD_CLOEXEC, kFirstFree));
}

// A file in memory and not a pipe: nobody has to feed it, nothing breaks when the program does not
// read it, and it ends.
[[nodiscard]] gate::Descriptor make_input(const ShellCommand& command, const Call& call) {
  gate::Descriptor file =
      moved_up(command.input.empty() ? gate::Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC))
                                     : gate::Descriptor(::memfd_create("input", MFD_CLOEXEC)));
  if (!file.is_open()) raise_not_started(command, ": its standard input", errno, call);
  const int cause = gate::write_all(file.number(), command.input);
  if (cause != 0) raise_not_started(command, ": its standard input", cause, call);
  if (!command.input.empty() && ::lseek(file.number(), 0, SEEK_SET) != 0)
    raise_not_started(command, ": its standard input", errno, call);
  return file;
}

struct Pipe {
  gate::Descriptor read;
  gate::Descriptor write;
};

[[nodiscard]] Pipe make_output(const ShellCommand& command, const Call& call) {
  int ends[2] = {};
  if (::pipe2(ends, O_CLOEXEC) != 0) raise_not_started(command, ": its output", errno, call);
  Pipe pipe{moved_up(gate::Descriptor(ends[0])), moved_up(gate::Descriptor(ends[1]))};
  // Only this end: the child's must block, as programs expect.
  if (!pipe.read.is_open() || !pipe.write.is_open() ||
      ::fcntl(pipe.read.number(), F_SETFL, O_NONBLOCK) != 0) {
    raise_not_started(command, ": its output", errno, call);
  }
  return pipe;
}

[[nodiscard]] gate::Descriptor open_directory(const ShellCommand& command, const Call& call) {
  if (command.directory.empty()) return {};
  gate::Descriptor directory = moved_up(
      gate::Descriptor(::open(command.directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)));
  if (!directory.is_open())
    raise_not_started(command, " in '" + command.directory.string() + "'", errno, call);
  return directory;
}

[[nodiscard]] std::vector<std::string> environment_of(const ShellCommand& command) {
  std::vector<std::string> result;
  for (const auto& [name, value] : command.environment)
    result.emplace_back(name).append("=").append(value);
  const auto is_replaced = [&command](std::string_view entry) {
    const std::string_view name = entry.substr(0, entry.find('='));
    return std::ranges::any_of(command.environment,
                               [name](const auto& added) { return added.first == name; });
  };
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    if (!is_replaced(*entry)) result.emplace_back(*entry);
  return result;
}

// As the C interface wants them: writable, though nobody writes.
[[nodiscard]] std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts)
    pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// What happens in the child between its birth and the program. posix_spawn() and not fork():
/// in a child of a program with threads, hardly anything may be called.
///
/// Threads: confined.
class SpawnSettings {
 public:
  SpawnSettings() {
    keep(::posix_spawn_file_actions_init(&actions_));
    keep(::posix_spawnattr_init(&attributes_));
    sigset_t all;
    ::sigfillset(&all);
    keep(::posix_spawnattr_setsigdefault(&attributes_, &all));
    sigset_t none;
    ::sigemptyset(&none);
    keep(::posix_spawnattr_setsigmask(&attributes_, &none));
    keep(::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK));
  }
  ~SpawnSettings() {
    ::posix_spawnattr_destroy(&attributes_);
    ::posix_spawn_file_actions_destroy(&actions_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  void enter(const gate::Descriptor& directory) {
    if (directory.is_open())
      keep(::posix_spawn_file_actions_addfchdir_np(&actions_, directory.number()));
  }
  void connect(const gate::Descriptor& descriptor, int number) {
    keep(::posix_spawn_file_actions_adddup2(&actions_, descriptor.number(), number));
  }
  void close_from(int number) {
    keep(::posix_spawn_file_actions_addclosefrom_np(&actions_, number));
  }

  /// An errno; 0 when the program runs.
  [[nodiscard]] int spawn(pid_t& pid, const std::vector<char*>& words,
                          const std::vector<char*>& environment) {
    if (cause_ != 0) return cause_;
    return ::posix_spawnp(&pid, words.front(), &actions_, &attributes_, words.data(),
                          environment.data());
  }

 private:
  void keep(int cause) noexcept {
    if (cause_ == 0) cause_ = cause;
  }

  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
  int cause_ = 0;
};

}  // namespace

ShellChild::ShellChild(const ShellCommand& command, const Call& call) {
  check(command, call);
  const gate::Descriptor input = make_input(command, call);
  const gate::Descriptor directory = open_directory(command, call);
  Pipe output = make_output(command, call);

  SpawnSettings settings;
  settings.enter(directory);
  settings.connect(input, STDIN_FILENO);
  settings.connect(output.write, STDOUT_FILENO);
  settings.connect(output.write, STDERR_FILENO);
  settings.close_from(STDERR_FILENO + 1);

  std::vector<std::string> words = command.words;
  std::vector<std::string> environment = environment_of(command);
  const int cause = settings.spawn(pid_, pointers_to(words), pointers_to(environment));
  if (cause == ENOENT) {
    throw Error({.code = code("COMMAND_NOT_FOUND"),
                 .message = "there is no program '" + command.words.front() + "'" +
                            (command.words.front().find('/') == std::string::npos
                                 ? " in the directories of PATH"
                                 : ", or not the interpreter that its first line names"),
                 .system_code = cause,
                 .where = call.where});
  }
  if (cause != 0) raise_not_started(command, "", cause, call);

  output_ = std::move(output.read);
  ended_ = gate::Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (!ended_.is_open()) {
    const int no_descriptor = errno;
    signal_group(SIGKILL);
    (void)reap(call);
    raise_not_started(command, ": its end could not be waited for", no_descriptor, call);
  }
}

ShellChild::~ShellChild() {
  if (pid_ == 0) return;
  signal_group(SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

void ShellChild::signal_group(int signal) const noexcept {
  ::kill(-pid_, signal);
}

int ShellChild::reap(const Call& call) {
  int status = 0;
  pid_t reaped = 0;
  do {
    reaped = ::waitpid(pid_, &status, 0);
  } while (reaped < 0 && errno == EINTR);
  pid_ = 0;
  if (reaped < 0)
    raise_status_lost("another part of this program waits for children that are not its own", call);
  return status;
}

}  // namespace turnstile::host
