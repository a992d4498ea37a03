// A look at a database's files from outside: opening and closing the database or its -shm would
// drop the locks of this process.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>

#include "turnstile/causes.h"

namespace turnstile {

namespace {

struct FileSystemName {
  std::size_t magic;
  std::string_view name;
};

// From statfs(2). FUSE is among them: what is behind it is seldom a local disk.
constexpr auto kNetworkFileSystems = std::to_array<FileSystemName>({
    {0x6969, "nfs"},
    {0x517B, "smb"},
    {0xFE534D42, "smb2"},
    {0xFF534D42, "cifs"},
    {0x01021997, "9p"},
    {0x5346414F, "afs"},
    {0x65735546, "fuse"},
    {0x00C36400, "ceph"},
    {0x0BD00BD0, "lustre"},
});

std::string network_file_system_of(const std::string& path) {
  struct statfs status {};
  if (::statfs(path.c_str(), &status) != 0) return {};
  const auto magic = static_cast<std::size_t>(status.f_type) & 0xFFFFFFFFU;
  const auto found = std::ranges::find(kNetworkFileSystems, magic, &FileSystemName::magic);
  return found == kNetworkFileSystems.end() ? std::string() : std::string(found->name);
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
