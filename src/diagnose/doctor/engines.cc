#include "diagnose/doctor/engines.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

#include "gate/descriptor.h"
#include "gate/proc_file.h"

namespace turnstile::diagnose {

namespace {

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

// memmem() looks through a hundred megabytes in some ten milliseconds; std::search takes seconds.
std::size_t find_bytes(std::string_view bytes, std::string_view what, std::size_t from) {
  if (from >= bytes.size()) return std::string_view::npos;
  const void* const found =
      ::memmem(bytes.data() + from, bytes.size() - from, what.data(), what.size());
  return found == nullptr
             ? std::string_view::npos
             : static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
}

// `2022-12-28 14:03:47 ` and 64 hexadecimal digits, of which the last four may say how the source
// was changed. `at` is where the second hyphen is.
std::string_view source_id_around(std::string_view bytes, std::size_t at) {
  constexpr std::string_view kForm = "0000-00-00 00:00:00 ";
  constexpr std::size_t kHash = 60;
  constexpr std::size_t kTail = 4;
  constexpr std::size_t kSecondHyphen = 7;
  if (at < kSecondHyphen || at - kSecondHyphen + kForm.size() + kHash + kTail > bytes.size())
    return {};
  const std::string_view id = bytes.substr(at - kSecondHyphen, kForm.size() + kHash + kTail);
  for (std::size_t i = 0; i < kForm.size(); ++i)
    if (kForm[i] == '0' ? !is_digit(id[i]) : id[i] != kForm[i]) return {};
  const std::string_view hash = id.substr(kForm.size(), kHash);
  const bool is_hash =
      std::ranges::all_of(hash, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
  return is_hash ? id : std::string_view();
}

std::string_view find_source_id(std::string_view bytes) {
  for (std::size_t year = 10; year < 40; ++year) {
    const std::string beginning = "20" + std::to_string(year) + '-';
    for (std::size_t at = find_bytes(bytes, beginning, 0); at != std::string_view::npos;
         at = find_bytes(bytes, beginning, at + 1)) {
      if (const auto id = source_id_around(bytes, at + 7); !id.empty()) return id;
    }
  }
  return {};
}

// A text of its own, `3.40.1` between two NUL bytes; 0 if there is none at `at`.
int version_at(std::string_view bytes, std::size_t at) {
  std::size_t end = at;
  while (end < bytes.size() && end - at < 12 && (is_digit(bytes[end]) || bytes[end] == '.'))
    ++end;
  if (end >= bytes.size() || bytes[end] != '\0') return 0;
  int number = 3;
  int parts = 1;
  std::size_t start = at + 2;
  while (start < end) {
    int part = 0;
    const auto [stop, error] = std::from_chars(bytes.data() + start, bytes.data() + end, part);
    const auto next = static_cast<std::size_t>(stop - bytes.data());
    if (error != std::errc() || part > 999 || (next != end && bytes[next] != '.')) return 0;
    number = number * 1000 + part;
    ++parts;
    start = next + 1;
  }
  return parts == 3 ? number : 0;
}

// Others have version numbers that begin with 3 too, such as Python, but not yet as high ones.
int find_version(std::string_view bytes) {
  constexpr std::string_view kBeginning("\0003.", 3);
  int highest = 0;
  for (std::size_t at = find_bytes(bytes, kBeginning, 0); at != std::string_view::npos;
       at = find_bytes(bytes, kBeginning, at + 1)) {
    highest = std::max(highest, version_at(bytes, at + 1));
  }
  return highest;
}

/// The bytes of a file, for as long as it exists. Threads: confined.
class MappedBytes {
 public:
  explicit MappedBytes(const gate::Descriptor& file, std::size_t size)
      : size_(size), start_(::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number(), 0)) {}
  ~MappedBytes() {
    if (start_ != MAP_FAILED) ::munmap(start_, size_);
  }
  MappedBytes(const MappedBytes&) = delete;
  MappedBytes& operator=(const MappedBytes&) = delete;

  [[nodiscard]] std::string_view view() const noexcept {
    return start_ == MAP_FAILED ? std::string_view()
                                : std::string_view(static_cast<const char*>(start_), size_);
  }

 private:
  std::size_t size_;
  void* start_;
};

// Takes the next word off the front of `line`.
std::string_view take_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

}  // namespace

std::string version_text(int number) {
  return std::to_string(number / 1'000'000) + '.' + std::to_string(number / 1000 % 1000) + '.' +
         std::to_string(number % 1000);
}

std::string LoadedEngine::describe() const {
  return "SQLite " + (version == 0 ? "of unknown version" : version_text(version)) + " in " + file;
}

std::optional<LoadedEngine> engine_in(std::string_view bytes) {
  // What every engine writes at the beginning of a file; a shell that only uses one has it too.
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  if (find_bytes(bytes, kMagic, 0) == std::string_view::npos) return std::nullopt;
  LoadedEngine engine;
  engine.source_id = find_source_id(bytes);
  engine.version = find_version(bytes);
  if (engine.source_id.empty() || engine.version == 0) return std::nullopt;
  return engine;
}

// One mapping a line: addresses, rights, offset, device, inode, path
// (https://man7.org/linux/man-pages/man5/proc_pid_maps.5.html).
std::vector<std::string> executable_files(std::string_view maps) {
  std::vector<std::string> files;
  while (!maps.empty()) {
    std::string_view line = maps.substr(0, maps.find('\n'));
    maps.remove_prefix(std::min(line.size() + 1, maps.size()));
    take_word(line);
    const std::string_view rights = take_word(line);
    take_word(line);
    take_word(line);
    take_word(line);
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    // One that was deleted since has that said behind its name, and is not found.
    if (rights.find('x') == rights.npos || !line.starts_with('/')) continue;
    if (std::ranges::find(files, line) == files.end()) files.emplace_back(line);
  }
  return files;
}

std::vector<LoadedEngine> EngineSearch::in_process(std::int64_t pid) {
  std::vector<LoadedEngine> engines;
  const std::string maps = gate::read_proc_file("/proc/" + std::to_string(pid) + "/maps");
  for (const std::string& file : executable_files(maps)) {
    // By the way through the process, which may see another file system than we.
    auto engine = in_file("/proc/" + std::to_string(pid) + "/root" + file);
    if (!engine) engine = in_file(file);
    if (!engine) continue;
    engine->file = file;
    engines.push_back(*std::move(engine));
  }
  return engines;
}

std::optional<LoadedEngine> EngineSearch::in_file(const std::string& path) {
  const gate::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file.is_open() || ::fstat(file.number(), &status) != 0 || !S_ISREG(status.st_mode) ||
      status.st_size == 0) {
    return std::nullopt;
  }
  const auto [place, is_new] = known_.try_emplace({status.st_dev, status.st_ino});
  if (is_new) {
    const MappedBytes bytes(file, static_cast<std::size_t>(status.st_size));
    place->second = engine_in(bytes.view());
  }
  return place->second;
}

}  // namespace turnstile::diagnose
