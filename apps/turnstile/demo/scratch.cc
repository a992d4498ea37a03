#include "demo/scratch.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "failure.h"
#include "text.h"

namespace turnstile::cli::demo {

namespace fs = std::filesystem;

namespace {

constexpr const char* kHint = "Let TMPDIR name a directory that can be written to.";

// A template for mkdtemp().
std::string path_template() {
  std::error_code error;
  const fs::path directory = fs::temp_directory_path(error);
  if (error) {
    const char* const given = std::getenv("TMPDIR");
    throw Failure(ExitCode::NotFound, "DB_NO_DIRECTORY",
                  "there is no place for the demonstration: '" +
                      printable(given == nullptr ? "/tmp" : given) + "' is no directory",
                  kHint);
  }
  return (directory / "turnstile-demo-XXXXXX").string();  // mkdtemp() wants these letters.
}

}  // namespace

Scratch::Scratch() : path_(path_template()) {
  if (::mkdtemp(path_.data()) == nullptr) {
    const int reason = errno;
    throw Failure(ExitCode::Storage, "DB_PERMISSION",
                  "no directory can be made for the demonstration in '" +
                      printable(fs::path(path_).parent_path().string()) +
                      "': " + std::generic_category().message(reason),
                  kHint);
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
  std::string path = path_ + "/" + name;
  fs::create_directory(path);
  ::chmod(path.c_str(), 0777);
  return path;
}

}  // namespace turnstile::cli::demo
