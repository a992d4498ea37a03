#include "demo/scratch.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "failure.h"

namespace turnstile::cli::demo {

namespace fs = std::filesystem;

Scratch::Scratch() : path_((fs::temp_directory_path() / "turnstile-demo-XXXXXX").string()) {
  if (::mkdtemp(path_.data()) == nullptr) {
    throw Failure(
        ExitCode::Storage, "DB_PERMISSION",
        "no directory can be made for the demonstration: " + std::generic_category().message(errno),
        "Let TMPDIR name a directory that can be written to.");
  }
  // A part may become another user, to whom permissions mean something.
  ::chmod(path_.c_str(), 0711);
}

Scratch::~Scratch() {
  std::error_code error;
  // A part may have taken the permission to write away from a directory.
  for (const auto& entry : fs::recursive_directory_iterator(path_, error))
    if (entry.is_directory(error)) ::chmod(entry.path().c_str(), 0700);
  fs::remove_all(path_, error);
}

std::string Scratch::make(const std::string& name) const {
  const std::string path = path_ + "/" + name;
  fs::create_directory(path);
  ::chmod(path.c_str(), 0777);
  return path;
}

}  // namespace turnstile::cli::demo
