// A look at a database's files from outside: opening and closing the database or its -shm would
// drop the locks of this process.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include "gate/file_system.h"
#include "turnstile/causes.h"

namespace turnstile {

namespace {

// FUSE too: what is behind it is seldom a local disk.
std::string network_file_system_of(const std::string& path) {
  const gate::FileSystem* const known = gate::file_system_at(path);
  if (known == nullptr || known->keeper == gate::FileKeeper::Kernel) return {};
  std::string name(known->name);
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return name;
}

std::int64_t free_bytes_of(const std::string& path) {
  struct statvfs status {};
  if (::statvfs(path.c_str(), &status) != 0) return 0;
  return static_cast<std::int64_t>(status.f_bavail) * static_cast<std::int64_t>(status.f_frsize);
}

// With the rights that count when a file is opened.
bool may_write(const std::string& path) {
  return ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0;
}

std::int64_t size_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_size : -1;
}

// A journal that was done with may be kept, with zeros for its header. SQLite takes no locks on it,
// so that it may be opened.
bool has_transaction(const std::string& journal) {
  if (size_of(journal) <= 0) return false;
  std::ifstream file(journal, std::ios::binary);
  char first = 0;
  return !file.get(first) || first != '\0';
}

}  // namespace

FileFacts file_facts(std::string_view path) {
  std::error_code error;
  const std::filesystem::path given(path);
  std::filesystem::path file = std::filesystem::weakly_canonical(given, error);
  if (error) file = given;
  const std::string name = file.string();
  const std::string directory = file.has_parent_path() ? file.parent_path().string() : ".";

  FileFacts facts;
  facts.directory_exists = std::filesystem::is_directory(directory, error);
  facts.directory_writable = facts.directory_exists && may_write(directory);
  struct stat status {};
  facts.exists = ::stat(name.c_str(), &status) == 0;
  if (facts.exists) {
    facts.writable = may_write(name);
    facts.links = static_cast<std::int64_t>(status.st_nlink);
  }
  facts.has_log = size_of(name + "-wal") > 0;
  facts.has_index = size_of(name + "-shm") >= 0;
  facts.has_journal = has_transaction(name + "-journal");
  if (facts.directory_exists) {
    facts.free_bytes = free_bytes_of(directory);
    facts.network_file_system = network_file_system_of(directory);
  }
  return facts;
}

}  // namespace turnstile
