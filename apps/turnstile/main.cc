#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>
#include <vector>

#include "program.h"
#include "torture/worker.h"

namespace {

// A descriptor that whoever started us has closed would be given to the next file that is opened,
// and output would go into that file. Opened the wrong way round, it stays as useless as it was.
void keep_standard_descriptors() {
  for (const int descriptor : std::array{STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(descriptor, F_GETFD) < 0)
      static_cast<void>(::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY));
}

}  // namespace

int main(int argc, char** argv) {
  using namespace turnstile::cli;
  keep_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);  // Writing to a closed pipe is an error code then (OutputClosed).
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  if (int status = 0; torture::run_hidden(words, status)) return status;
  return static_cast<int>(run_program(words, command_table()));
}
