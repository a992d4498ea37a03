#include "diagnose/doctor/patient.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "turnstile/error.h"

namespace turnstile::diagnose {

namespace {

std::vector<LockInfo> locks_of(const std::filesystem::path& path) {
  try {
    return turnstile::locks(path.string());
  } catch (const StorageError& error) {
    // That the kernel does not tell (diagnose::find_database) is not to be taken for no locks.
    if (error.code() == "DB_IO") throw;
    return {};  // It is not there, was deleted meanwhile, or is no file.
  }
}

/// How long one question may take beside programs that use the file: whoever cuts the log off with
/// a busy timeout waits for the reader, and all writers with him.
constexpr std::chrono::milliseconds kLongestQuestion{200};

std::string why_not_look_inside(const Patient& patient) {
  switch (patient.content.kind) {
    case FileKind::Database:
      break;
    case FileKind::Empty:
      return "the file is empty";
    case FileKind::Encrypted:
    case FileKind::Sealed:
      return "the file is encrypted";
    default:
      return "there is no database to look into";
  }
  if (const auto strange = patient.strange_part())
    return quoted(patient.part(*strange)) + " is not a regular file";
  if (patient.has_hot_journal())
    return "a transaction was left half done, and has to be undone first";
  if (patient.in_use() && !patient.content.header->has_log()) {
    return "the file is in use by " + patient.users() +
           " and has no write-ahead log, so that a reader would keep its writers out";
  }
  return {};
}

/// A log of the same database changes some tables, and hardly ever all of their names.
bool share_no_table(const Content& file, const Content& with_log) {
  constexpr const char* kNames =
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite#_%' ESCAPE "
      "'#'";
  const Content::Answer own = file.ask(kNames);
  const Content::Answer logged = with_log.ask(kNames);
  if (!own.problem.empty() || own.rows.empty() || !logged.problem.empty()) return false;
  return std::ranges::none_of(own.rows, [&](const Content::Row& row) {
    return std::ranges::find(logged.rows, row) != logged.rows.end();
  });
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
  if (!in_use() && has_content(Part::Log)) log = read_log(part(Part::Log));
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

bool Patient::has_changed() const {
  for (std::size_t i = 0; i < kParts; ++i)
    if (look_at(part(static_cast<Part>(i))) != states[i]) return true;
  return false;
}

std::optional<Part> Patient::strange_part() const noexcept {
  for (const Part part : {Part::Log, Part::LogIndex, Part::Journal})
    if (state(part).exists && !state(part).is_regular) return part;
  return std::nullopt;
}

void Patient::look_inside() {
  why_not_inside = why_not_look_inside(*this);
  if (!why_not_inside.empty()) return;
  // Whoever has a log and no index of it has not read anything yet.
  const bool is_still = !in_use() || !state(Part::LogIndex).exists;
  const bool is_limited = !is_still && !options.full;
  inside.emplace(path, is_still ? Content::Manner::Still : Content::Manner::Beside,
                 is_limited ? std::optional(kLongestQuestion) : std::nullopt, options.stop);
  soundness = find_soundness(*inside, options.full);
  if (!log || log->committed_frames == 0) return;
  const Content alone(path, Content::Manner::Logless, std::nullopt, options.stop);
  // What the log completes is no whole without it, so that this is asked only in case of damage.
  if (soundness->is_damaged()) without_log = find_soundness(alone, options.full);
  has_foreign_tables = share_no_table(alone, *inside);
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
