#include "gate/proc_file.h"

#include <fstream>
#include <iterator>

#include "gate/file_locks.h"

namespace turnstile::gate {
namespace {

// The kernel ends a name with a newline.
std::string read_name(const std::string& path) {
  std::string name = read_proc_file(path);
  while (!name.empty() && name.back() == '\n')
    name.pop_back();
  return name;
}

}  // namespace

std::string read_proc_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return {};
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string thread_name_of(std::int64_t pid, std::int64_t thread_id) {
  if (pid <= 0 || thread_id <= 0) return {};
  return read_name("/proc/" + std::to_string(pid) + "/task/" + std::to_string(thread_id) + "/comm");
}

std::string program_of(std::int64_t pid) {
  if (pid <= 0) return {};
  return read_name("/proc/" + std::to_string(pid) + "/comm");
}

}  // namespace turnstile::gate
