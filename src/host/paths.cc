#include "host/paths.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>
#include <vector>

#include "gate/descriptor.h"
#include "gate/write_all.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::host {

namespace fs = std::filesystem;

namespace {

[[nodiscard]] fs::path home_of_user() {
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') return home;
  constexpr std::size_t kRoom = 16384;
  std::vector<char> room(kRoom);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(::geteuid(), &entry, room.data(), room.size(), &found) != 0 || found == nullptr)
    return {};
  return found->pw_dir;
}

[[noreturn]] void refuse(const fs::path& directory, std::string_view what, int cause,
                         const Call& call) {
  sqlite::raise_system(code("DATA_DIRECTORY_UNUSABLE"),
                       "the data directory '" + directory.string() + "' " + std::string(what) +
                           " user id " + std::to_string(::geteuid()),
                       cause, call);
}

// Permissions alone do not tell: the file system may be full or read-only.
void prove_writable(const fs::path& directory, const Call& call) {
  std::string name = (directory / ".probe-XXXXXX").string();
  const gate::Descriptor probe(::mkostemp(name.data(), O_CLOEXEC));
  if (!probe.is_open()) refuse(directory, "cannot be written to by", errno, call);
  const int cause = gate::write_all(probe.number(), "x");
  ::unlink(name.c_str());
  if (cause != 0) refuse(directory, "cannot be written to by", cause, call);
}

}  // namespace

fs::path expanded(const fs::path& path, const Call& call) {
  const std::string& text = path.native();
  if (text != "~" && !text.starts_with("~/")) return fs::absolute(path).lexically_normal();
  const fs::path home = home_of_user();
  if (home.empty()) {
    sqlite::raise_misuse(code("OPTION_INVALID"),
                         "'" + text +
                             "' cannot be found: the user has no home directory, and HOME "
                             "names none",
                         call);
  }
  return (home / fs::path(text.substr(1)).relative_path()).lexically_normal();
}

void require_data_directory(const fs::path& directory, const Call& call) {
  std::error_code error;
  if (fs::is_directory(directory, error)) return;
  refuse(directory, "cannot be used by", error ? error.value() : ENOTDIR, call);
}

void prepare_data_directory(const fs::path& directory, const Call& call) {
  // One by one, because only those that are made here get the private mode. They stay when the
  // start-up fails: another process may have come to rely on them.
  fs::path made;
  for (const fs::path& part : directory) {
    made /= part;
    // On a medium that is only read, some systems say so of directories that are there.
    std::error_code ignored;
    if (::mkdir(made.c_str(), S_IRWXU) == 0) continue;
    const int cause = errno;
    if (!fs::is_directory(made, ignored))
      refuse(directory, "cannot be made by", cause == EEXIST ? ENOTDIR : cause, call);
  }
  require_data_directory(directory, call);
  prove_writable(directory, call);
}

}  // namespace turnstile::host
