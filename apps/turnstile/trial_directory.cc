#include "trial_directory.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "failure.h"
#include "text.h"

namespace turnstile::cli {

namespace {

// A disk that is full all the time tells nothing of the one that is to be tried.
void require_room(const std::string& directory, std::chrono::seconds length,
                  std::uintmax_t mib_per_minute) {
  constexpr std::uintmax_t kMiB = std::uintmax_t{1} << 20;
  constexpr std::uintmax_t kLeast = 48;  // Logs, and what keeps a disk busy.
  const auto seconds = static_cast<std::uintmax_t>(length.count());
  const std::uintmax_t needed = kLeast * kMiB + mib_per_minute * kMiB * seconds / 60;
  std::error_code error;
  const std::uintmax_t available = std::filesystem::space(directory, error).available;
  if (error || available >= needed) return;
  throw Failure(ExitCode::Storage, "DB_DISK_FULL",
                fmt::format("there are {} MB left in '{}', and a run of {} s wants {}",
                            available / kMiB, printable(directory), seconds, needed / kMiB),
                "Free space, or run for a shorter time.");
}

}  // namespace

TrialDirectory::TrialDirectory(const std::string& parent, std::string_view command,
                               std::chrono::seconds length, std::uintmax_t mib_per_minute) {
  std::error_code error;
  if (!std::filesystem::is_directory(parent, error)) {
    throw Failure(ExitCode::NotFound, "INPUT_NOT_FOUND",
                  fmt::format("there is no directory '{}'", printable(parent)),
                  "Name a directory on the disk that is to be tried.");
  }
  require_room(parent, length, mib_per_minute);
  // mkdtemp() puts others in the place of these letters.
  const std::string pattern = fmt::format("turnstile-{}-XXXXXX", command);
  std::string name = (std::filesystem::absolute(parent) / pattern).string();
  if (::mkdtemp(name.data()) == nullptr) {
    const std::string why = std::generic_category().message(errno);
    throw Failure(ExitCode::Storage, "DB_PERMISSION",
                  fmt::format("cannot make a directory in '{}': {}", printable(parent), why),
                  "Name a directory on the disk that is to be tried, which you may write.");
  }
  path_ = name;
}

TrialDirectory::~TrialDirectory() {
  if (is_kept_) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace turnstile::cli
