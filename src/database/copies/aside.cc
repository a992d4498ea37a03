#include "database/copies/aside.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "database/copies/file_error.h"
#include "database/copies/temp_file.h"
#include "gate/claim.h"
#include "gate/descriptor.h"
#include "gate/process_gate.h"
#include "gate/sync_point.h"
#include "gate/write_all.h"
#include "sqlite/error_code.h"
#include "sqlite/raise.h"

namespace turnstile::database {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kAside = ".before-restore-";
constexpr std::string_view kNote = ".turnstile-restore";
// What SQLite cannot do without; the third, the log's index, it makes anew.
constexpr std::array<std::string_view, 2> kLogs{"-wal", "-journal"};
constexpr std::array<std::string_view, 3> kSideFiles{"-wal", "-journal", "-shm"};

fs::path beside(const fs::path& path, std::string_view suffix) {
  return path.native() + std::string(suffix);
}

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// Whoever opens the name in the moment in which it has no file makes an empty one.
bool is_there_with_content(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return !error && size > 0;
}

void remove(const fs::path& path, const Call& call) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    raise_file_error(errno, "cannot remove '" + path.string() + "'", call);
}

void rename(const fs::path& path, const fs::path& other, const Call& call) {
  if (::rename(path.c_str(), other.c_str()) != 0)
    raise_file_error(errno, "cannot rename '" + path.string() + "' to '" + other.string() + "'",
                     call);
}

// FAT and its kin have one name a file; some systems refuse second names of others' files.
bool means_no_second_name(int cause) {
  return cause == EPERM || cause == EOPNOTSUPP || cause == ENOSYS || cause == EINVAL ||
         cause == EMLINK;
}

// False, with nothing changed, when a file cannot have two names. In this order there is, whenever
// it ends, a whole database: at the first name, or at the second.
bool link_aside(const fs::path& path, const fs::path& aside, const std::vector<fs::path>& suffixes,
                const Call& call) {
  std::vector<fs::path> made;
  for (const fs::path& suffix : suffixes) {
    const fs::path from = beside(path, suffix.native());
    const fs::path to = beside(aside, suffix.native());
    if (::link(from.c_str(), to.c_str()) == 0) {
      made.push_back(to);
      continue;
    }
    const int cause = errno;
    if (!means_no_second_name(cause)) {
      raise_file_error(
          cause, "cannot give '" + from.string() + "' the second name '" + to.string() + "'", call);
    }
    for (const fs::path& name : made)
      remove(name, call);
    return false;
  }
  sync_directory(path.parent_path(), call);
  return true;
}

// On the medium before anything is moved.
void write_note(const fs::path& path, const fs::path& aside, const Call& call) {
  const fs::path note = beside(path, kNote);
  const std::string text = aside.filename().string() + "\n";
  const gate::Descriptor file(
      ::open(note.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  int cause = file.is_open() ? gate::write_all(file.number(), text) : errno;
  if (cause == 0 && ::fsync(file.number()) != 0) cause = errno;
  if (cause != 0) raise_file_error(cause, "cannot write '" + note.string() + "'", call);
  sync_directory(path.parent_path(), call);
}

// Empty when it was not written to its end: then nothing has been moved.
fs::path read_note(const fs::path& path) {
  std::ifstream file(beside(path, kNote));
  std::string name;
  std::getline(file, name);
  const bool is_sound = name.starts_with(path.filename().string() + std::string(kAside)) &&
                        name.find('/') == std::string::npos;
  return is_sound ? path.parent_path() / name : fs::path();
}

// The file first, so that while its name has a file that one is complete.
void move_aside(const fs::path& path, const fs::path& aside, std::vector<fs::path> suffixes,
                const Call& call) {
  std::ranges::sort(suffixes);
  for (const fs::path& suffix : suffixes) {
    if (suffix.empty()) {
      write_note(path, aside, call);
      gate::sync_point("put_aside:noted");
    }
    rename(beside(path, suffix.native()), beside(aside, suffix.native()), call);
    gate::sync_point("put_aside:moved");
  }
  sync_directory(path.parent_path(), call);
}

void take_back(const fs::path& path, const fs::path& aside, const Call& call) {
  for (const std::string_view suffix : kLogs)
    if (is_there(beside(aside, suffix))) rename(beside(aside, suffix), beside(path, suffix), call);
  gate::sync_point("settle_aside:logs_are_back");
  rename(aside, path, call);
  sync_directory(path.parent_path(), call);
}

void forget_unused_names(const fs::path& path) {
  const std::string start = path.filename().string() + std::string(kAside);
  std::error_code error;
  for (fs::directory_iterator entry(path.parent_path(), error), end; !error && entry != end;
       entry.increment(error)) {
    const fs::path& other = entry->path();
    struct stat ours {};
    struct stat theirs {};
    const bool is_same = other.filename().string().starts_with(start) &&
                         ::stat(path.c_str(), &ours) == 0 && ::stat(other.c_str(), &theirs) == 0 &&
                         ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
    if (is_same && !is_there(beside(other, "-wal")) && !is_there(beside(other, "-journal")))
      ::unlink(other.c_str());
  }
}

}  // namespace

fs::path aside_name(const fs::path& path) {
  const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 32> time{};
  std::strftime(time.data(), time.size(), "%Y%m%dT%H%M%SZ", &utc);
  const fs::path name = beside(path, std::string(kAside) + time.data());
  fs::path free = name;
  for (int i = 2; is_there(free); ++i)
    free = beside(name, "-" + std::to_string(i));
  return free;
}

void put_aside(const fs::path& path, const fs::path& aside, bool logs, const Call& call) {
  std::vector<fs::path> suffixes;
  for (const std::string_view suffix : kLogs)
    if (logs && is_there(beside(path, suffix))) suffixes.emplace_back(suffix);
  if (is_there(path)) suffixes.emplace_back();
  if (!link_aside(path, aside, suffixes, call)) move_aside(path, aside, suffixes, call);
  gate::sync_point("put_aside:linked");
  for (const std::string_view suffix : kSideFiles)
    remove(beside(path, suffix), call);
  sync_directory(path.parent_path(), call);
}

void settle_aside(const fs::path& path, const Call& call) {
  if (exchange_was_interrupted(path)) {
    const fs::path aside = read_note(path);
    if (!is_there_with_content(path) && !aside.empty() && is_there(aside))
      take_back(path, aside, call);
    remove(beside(path, kNote), call);
    sync_directory(path.parent_path(), call);
  }
  forget_unused_names(path);
}

void finish_interrupted_exchange(const fs::path& path, const Call& call) {
  if (!exchange_was_interrupted(path)) return;
  gate::ProcessGate gate(path);
  const auto claim = gate::Claim::of_this_thread("restore", call.where, call.started);
  if (gate.take(claim, call.deadline) == gate::Wait::Granted) return settle_aside(path, call);
  const gate::GateView view = gate.view();
  sqlite::raise_timeout(call, code("OPEN_TIMEOUT"),
                        view.holder ? view.holder->as_holder("gate") : Holder{});
}

bool exchange_was_interrupted(const fs::path& path) noexcept {
  return ::access(beside(path, kNote).c_str(), F_OK) == 0;
}

}  // namespace turnstile::database
