#include "diagnose/doctor/patient.h"

#include <algorithm>
#include <utility>

#include "turnstile/error.h"

namespace turnstile::diagnose {

namespace {

std::vector<LockInfo> locks_of(const std::filesystem::path& path) {
  try {
    return turnstile::locks(path.string());
  } catch (const StorageError&) {
    return {};  // It is not there, or was deleted meanwhile.
  }
}

}  // namespace

Patient::Patient(std::filesystem::path place, const DoctorOptions& asked,
                 const StatFileSystem& stat)
    : path(std::move(place)),
      options(asked),
      folder(look_at(path.parent_path())),
      file_system(file_system_of(path.parent_path(), stat)),
      processes(find_users(path)),
      locks(locks_of(path)) {
  for (std::size_t i = 0; i < kParts; ++i)
    states[i] = look_at(part(static_cast<Part>(i)));
  content = read_content(path, state(Part::Database));
}

std::string Patient::users() const {
  std::string text;
  for (const Process& process : processes.users)
    (text += text.empty() ? "" : ", ") += process.describe();
  return text.empty() ? "nobody" : text;
}

bool Patient::has_hot_journal() const {
  if (!has_content(Part::Journal) || !has_hot_header(part(Part::Journal))) return false;
  // While its writer lives, it is undone by that one or not at all.
  return std::ranges::none_of(locks, [](const LockInfo& lock) {
    return lock.lock == "reserved lock" || lock.lock == "pending lock" ||
           lock.lock == "exclusive lock";
  });
}

std::vector<FileState> Patient::fingerprint() const {
  std::vector<FileState> files;
  for (std::size_t i = 0; i < kParts; ++i)
    files.push_back(look_at(part(static_cast<Part>(i))));
  return files;
}

bool is_read_mark(const LockInfo& lock) noexcept {
  return lock.kind == "read" && lock.lock.starts_with("WAL read mark");
}

bool keeps_writers_out(const LockInfo& lock) noexcept {
  constexpr std::array<std::string_view, 7> kNames{
      "writer turn",   "WAL write lock", "WAL recovery lock", "WAL index lock",
      "reserved lock", "pending lock",   "exclusive lock"};
  return lock.kind == "write" && std::ranges::find(kNames, lock.lock) != kNames.end();
}

std::string holder_of(const LockInfo& lock) {
  std::string text = "process " + std::to_string(lock.pid);
  if (!lock.program.empty()) text += " (" + lock.program + ")";
  return text;
}

std::string in_words(const LockInfo& lock) {
  std::string text = holder_of(lock) + " has the " + lock.lock;
  if (!lock.lane.empty()) text += " for lane " + lock.lane;
  if (lock.since) text += ", for " + std::to_string(lock.since->count()) + " ms so far";
  if (!lock.sql.empty()) text += ": " + lock.sql;
  if (!lock.waiters.empty()) text += "; " + counted(lock.waiters.size(), "process") + " waiting";
  return text;
}

}  // namespace turnstile::diagnose
