// What the checks are given: everything that was found out about a database, once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diagnose/doctor/content.h"
#include "diagnose/doctor/file_facts.h"
#include "diagnose/doctor/processes.h"
#include "diagnose/doctor/soundness.h"
#include "turnstile/diagnose.h"
#include "turnstile/doctor.h"

namespace turnstile::diagnose {

/// Threads: confined.
struct Patient {
  /// Looks at everything but what is inside.
  Patient(std::filesystem::path path, const DoctorOptions& options, const StatFileSystem& stat);

  [[nodiscard]] std::filesystem::path directory() const { return path.parent_path(); }
  [[nodiscard]] std::filesystem::path part(Part which) const { return part_of(path, which); }
  [[nodiscard]] const FileState& state(Part which) const noexcept {
    return states[static_cast<std::size_t>(which)];
  }
  [[nodiscard]] bool has_content(Part which) const noexcept {
    return state(which).exists && state(which).size > 0;
  }
  /// By another process or by this one.
  [[nodiscard]] bool in_use() const noexcept { return !processes.users.empty() || !locks.empty(); }
  /// `nobody`, or the users, for a sentence.
  [[nodiscard]] std::string users() const;
  /// Whether a journal is there that the next reader would have to undo.
  [[nodiscard]] bool has_hot_journal() const;
  /// Whether the files are other ones than at first, or have other content.
  [[nodiscard]] bool has_changed() const;
  /// A part that is a FIFO, a directory or the like, which SQLite would wait for or fail with.
  [[nodiscard]] std::optional<Part> strange_part() const noexcept;
  /// Fills in all below `inside`. Throws Cancelled.
  void look_inside();

  const std::filesystem::path path;
  const DoctorOptions& options;
  FileState folder;
  std::array<FileState, kParts> states;
  FileContent content;
  std::optional<FileSystemState> file_system;
  ProcessSurvey processes;
  std::vector<LockInfo> locks;

  std::optional<LogContent> log;  ///< Of one that nobody uses.

  /// Of a database that may be looked into; else why it may not.
  std::optional<Content> inside;
  std::string why_not_inside;
  std::optional<Soundness> soundness;
  /// Of a file with a log that nobody uses: how it is without that log.
  std::optional<Soundness> without_log;
  bool has_foreign_tables = false;  ///< None of those that the file has without the log.
};

/// How a lock of LockInfo is called that only readers of a log have.
[[nodiscard]] bool is_read_mark(const LockInfo& lock) noexcept;
/// A lock that keeps writers out.
[[nodiscard]] bool keeps_writers_out(const LockInfo& lock) noexcept;
/// `process 4711 (sqlite3)`.
[[nodiscard]] std::string holder_of(const LockInfo& lock);
/// The same with what it has, and what else is known of that.
[[nodiscard]] std::string in_words(const LockInfo& lock);

}  // namespace turnstile::diagnose
