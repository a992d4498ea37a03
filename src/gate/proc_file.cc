#include "gate/proc_file.h"

#include <cstddef>
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

bool is_stopped(std::int64_t pid) {
  // The state follows the program's name, which may have any bytes, in parentheses: T for a signal,
  // t for a debugger.
  const std::string text = read_proc_file("/proc/" + std::to_string(pid) + "/stat");
  const std::size_t end = text.rfind(") ");
  return end != std::string::npos && end + 2 < text.size() &&
         (text[end + 2] == 'T' || text[end + 2] == 't');
}

std::string program_of(std::int64_t pid) {
  if (pid <= 0) return {};
  return read_name("/proc/" + std::to_string(pid) + "/comm");
}

}  // namespace turnstile::gate
