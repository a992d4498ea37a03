#include "diagnose/doctor/processes.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

#include "gate/file_locks.h"
#include "gate/proc_file.h"

namespace turnstile::diagnose {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, kParts> kSuffixes{"", "-wal", "-shm", "-journal"};

struct KnownPart {
  std::string path;
  FileState state;
};
using KnownParts = std::array<KnownPart, kParts>;

KnownParts parts_of(const fs::path& database) {
  KnownParts parts;
  for (std::size_t i = 0; i < kParts; ++i) {
    const fs::path path = part_of(database, static_cast<Part>(i));
    parts[i] = {path.string(), look_at(path)};
  }
  return parts;
}

std::optional<std::int64_t> pid_of(const fs::path& entry) {
  const std::string name = entry.filename().string();
  std::int64_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return pid;
}

/// Notes what one descriptor leads to. It is asked for by its name in /proc, which opens nothing.
void note_descriptor(const fs::path& descriptor, const KnownParts& parts, Process& process) {
  constexpr std::string_view kDeleted = " (deleted)";
  std::error_code error;
  const std::string target = fs::read_symlink(descriptor, error).string();
  if (error || !target.starts_with('/')) return;
  for (const KnownPart& part : parts) {
    if (target != part.path + std::string(kDeleted)) continue;
    if (std::ranges::find(process.deleted, part.path) == process.deleted.end())
      process.deleted.push_back(part.path);
    return;
  }
  const FileState state = look_at(descriptor);
  for (std::size_t i = 0; i < kParts; ++i) {
    const FileState& part = parts[i].state;
    if (part.exists && state.exists && part.inode == state.inode && part.device == state.device)
      process.has_open[i] = true;
  }
}

/// False when this user may not look.
bool note_descriptors(const KnownParts& parts, Process& process) {
  std::error_code error;
  fs::directory_iterator entry("/proc/" + std::to_string(process.pid) + "/fd", error);
  if (error) return error == std::errc::no_such_file_or_directory;
  while (!error && entry != fs::directory_iterator()) {
    note_descriptor(entry->path(), parts, process);
    entry.increment(error);
  }
  return true;
}

bool uses_anything(const Process& process) {
  return !process.deleted.empty() ||
         std::ranges::find(process.has_open, true) != process.has_open.end();
}

}  // namespace

fs::path part_of(const fs::path& database, Part part) {
  return database.native() + std::string(kSuffixes[static_cast<std::size_t>(part)]);
}

std::string Process::describe() const {
  return "process " + std::to_string(pid) + (program.empty() ? "" : " (" + program + ")");
}

ProcessSurvey find_users(const fs::path& database) {
  const KnownParts parts = parts_of(database);
  EngineSearch engines;
  ProcessSurvey survey;
  std::error_code error;
  fs::directory_iterator entry("/proc", error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const auto pid = pid_of(entry->path());
    if (!pid) continue;
    Process process;
    process.pid = *pid;
    if (!note_descriptors(parts, process)) ++survey.hidden;
    if (!uses_anything(process)) continue;
    process.program = gate::program_of(process.pid);
    process.is_stopped = gate::is_stopped(process.pid);
    process.engines = engines.in_process(process.pid);
    survey.users.push_back(std::move(process));
  }
  std::ranges::sort(survey.users, {}, &Process::pid);
  return survey;
}

}  // namespace turnstile::diagnose
