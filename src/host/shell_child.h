// One child process of run_shell(): how it is started and how its end is learned.
#pragma once

#include <sys/types.h>

#include "gate/descriptor.h"
#include "sqlite/call.h"
#include "turnstile/shell.h"

namespace turnstile::host {

/// Its number stays its own until reap(), so that a signal never meets a stranger. Whoever forgets
/// reap() has the whole group killed by the destructor.
///
/// Threads: confined.
class ShellChild {
 public:
  /// Starts the command. Throws as run_shell().
  ShellChild(const ShellCommand& command, const Call& call);
  ~ShellChild();
  ShellChild(const ShellChild&) = delete;
  ShellChild& operator=(const ShellChild&) = delete;

  /// Where its output is read; does not block.
  [[nodiscard]] int output() const noexcept { return output_.number(); }
  /// Readable when it has ended.
  [[nodiscard]] int ended() const noexcept { return ended_.number(); }

  void signal_group(int signal) const noexcept;

  /// Its status as of waitpid(), of one that has ended. Throws Error (COMMAND_STATUS_LOST).
  [[nodiscard]] int reap(const Call& call);

 private:
  gate::Descriptor output_;
  gate::Descriptor ended_;
  pid_t pid_ = 0;
};

}  // namespace turnstile::host
