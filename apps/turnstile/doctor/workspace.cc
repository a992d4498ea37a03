#include "doctor/workspace.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "diagnose/doctor/content.h"
#include "diagnose/doctor/examination.h"
#include "diagnose/doctor/processes.h"
#include "turnstile/error.h"
#include "vault/files.h"
#include "vault/layout.h"
#include "vault/profile_record.h"
#include "vault/registry.h"

namespace turnstile::cli {

namespace fs = std::filesystem;

namespace {

bool begins_as_database(const fs::path& path) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  std::string beginning(kMagic.size(), '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
  return file && beginning == kMagic;
}

bool is_inside(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first ==
         folder.end();
}

/// Threads: confined; used once.
class WorkspaceExamination {
 public:
  explicit WorkspaceExamination(const fs::path& root) : layout_(diagnose::resolve(root.string())) {
    call_.lane = "doctor";
    report_.path = layout_.root().string();
  }

  DoctorReport run() {
    for (const std::string& id : vault::names_of(layout_.profiles(), call_))
      if (vault::is_profile_id(id)) examine_profile(id);
    std::ranges::sort(known_, {}, &vault::RegistryEntry::id);
    compare_registry();
    if (!vault::names_of(layout_.tmp(), call_).empty())
      left_over({relative(layout_.tmp()) + " is not empty"});
    find_plain_copies();
    say_what_passed();
    return std::move(report_);
  }

 private:
  [[nodiscard]] std::string relative(const fs::path& path) const {
    return path.lexically_relative(layout_.root()).string();
  }

  void add(std::string_view id, CheckStatus status, std::string title,
           std::vector<std::string> evidence, std::string cure) {
    Finding finding;
    finding.id = id;
    finding.status = status;
    finding.title = std::move(title);
    finding.evidence = std::move(evidence);
    finding.cure = std::move(cure);
    report_.findings.push_back(std::move(finding));
  }

  void left_over(std::vector<std::string> evidence) {
    add("workspace-leftovers", CheckStatus::Warn, "a change of a profile was interrupted",
        std::move(evidence),
        "Nothing has to be done: who opens the profile or the workspace next removes what is "
        "nobody's. It takes space, and of a protected profile holds nothing readable.");
  }

  void examine_profile(const std::string& id) {
    const vault::ProfileFolder folder = layout_.profile(id);
    std::optional<vault::ProfileRecord> record;
    try {
      record = vault::read_record(folder, call_);
    } catch (const Error& error) {
      add("workspace-profile", CheckStatus::Fail, "a profile is damaged",
          {relative(folder.record()), std::string(error.message())},
          "Restore a backup of the profile.");
      known_.push_back({id, ""});
      open_.push_back(folder.path());  // It may be one without a password.
      return;
    }
    if (!record) {
      left_over({relative(folder.path()) + " has no record"});
      return;
    }
    known_.push_back({id, record->name});
    if (record->is_protected())
      look_for_plain_database(folder, *record);
    else
      open_.push_back(folder.path());
    // In the middle of a change, and of attaching a file, what would be left over is in use.
    if (!diagnose::find_users(folder.lock()).users.empty()) {
      add("workspace-profile", CheckStatus::Skip, "a profile is in use and was not looked into",
          {relative(folder.path())}, {});
      return;
    }
    look_for_leftovers(folder, *record);
    if (record->kind == ProfileKind::Sealed) look_for_sidecars(folder, *record);
    if (!record->is_protected()) look_for_orphans(folder, *record);
  }

  void look_for_plain_database(const vault::ProfileFolder& folder,
                               const vault::ProfileRecord& record) {
    const fs::path database = folder.part(record.database);
    if (!begins_as_database(database)) return;
    expected_.push_back(database);
    add("workspace-encryption", CheckStatus::Fail, "enabled, not yet migrated",
        {relative(database) + " can be read by everybody who may read the file"},
        "Restore a backup of the profile: its record says that it is protected.");
  }

  void look_for_leftovers(const vault::ProfileFolder& folder, const vault::ProfileRecord& record) {
    std::vector<std::string> found;
    for (const std::string& name : vault::names_of(folder.path(), call_)) {
      const fs::path path = folder.part(name);
      const bool is_fixture =
          path == folder.record() || path == folder.lock() || path == folder.tmp();
      if (!is_fixture && !record.owns(name)) found.push_back(relative(path));
    }
    for (const std::string& name : vault::names_of(folder.tmp(), call_))
      found.push_back(relative(folder.tmp() / name));
    std::ranges::sort(found);
    if (!found.empty()) left_over(std::move(found));
  }

  void look_for_sidecars(const vault::ProfileFolder& folder, const vault::ProfileRecord& record) {
    std::vector<std::string> found;
    for (const std::string& name : vault::names_of(folder.path(), call_))
      if (name.starts_with(record.database + '-')) found.push_back(relative(folder.part(name)));
    if (found.empty()) return;
    std::ranges::sort(found);
    add("workspace-sidecars", CheckStatus::Warn,
        "files of an open database lie beside a sealed one, which is never opened in its place",
        std::move(found),
        "Some other program has opened the image, or it was copied there. Delete them; what is in "
        "them does not belong to the profile.");
  }

  void look_for_orphans(const vault::ProfileFolder& folder, const vault::ProfileRecord& record) {
    const fs::path database = folder.part(record.database);
    const diagnose::Content content(database, diagnose::Content::Manner::Still, std::nullopt, {});
    const auto rows = content.ask("SELECT id FROM vault_attachment");
    if (!rows.problem.empty()) {
      add("workspace-attachments", CheckStatus::Skip, "the list of attachments cannot be read",
          {relative(database) + ": " + rows.problem}, {});
      return;
    }
    std::vector<std::string> files = vault::names_of(folder.part(record.attachments), call_);
    std::vector<std::string> ids;
    for (const diagnose::Content::Row& row : rows.rows)
      ids.push_back(row.front());
    std::ranges::sort(files);
    std::ranges::sort(ids);
    std::vector<std::string> orphans;
    std::ranges::set_difference(files, ids, std::back_inserter(orphans));
    std::vector<std::string> lost;
    std::ranges::set_difference(ids, files, std::back_inserter(lost));
    const auto with_path = [&](std::vector<std::string>& names) {
      for (std::string& name : names)
        name = relative(folder.part(record.attachments) / name);
    };
    with_path(orphans);
    with_path(lost);
    if (!orphans.empty()) {
      add("workspace-attachments", CheckStatus::Warn, "attachments that belong to nothing", orphans,
          "A program was killed while it attached them. VaultSession::sweep() removes them.");
    }
    if (!lost.empty()) {
      add("workspace-attachments", CheckStatus::Fail, "attachments whose files are missing", lost,
          "Restore a backup of the profile.");
    }
  }

  void compare_registry() {
    const auto registry = vault::read_registry(layout_, call_);
    if (!registry) {
      if (known_.empty()) return;
      add("workspace-registry", CheckStatus::Warn, "the registry is missing or damaged",
          {relative(layout_.registry())}, kRegistryCure);
      return;
    }
    auto entries = *registry;
    std::ranges::sort(entries, {}, &vault::RegistryEntry::id);
    std::vector<std::string> differences;
    for (const auto& entry : entries) {
      const auto found = std::ranges::find(known_, entry.id, &vault::RegistryEntry::id);
      const std::string folder = relative(layout_.profile(entry.id).path());
      if (found == known_.end())
        differences.push_back(folder + " is listed and is not there");
      else if (!found->name.empty() && found->name != entry.name)
        differences.push_back(folder + " is listed under another name");
    }
    for (const auto& entry : known_)
      if (std::ranges::find(entries, entry.id, &vault::RegistryEntry::id) == entries.end())
        differences.push_back(relative(layout_.profile(entry.id).path()) + " is not listed");
    if (differences.empty()) return;
    add("workspace-registry", CheckStatus::Warn, "the registry and the folders do not agree",
        std::move(differences), kRegistryCure);
  }

  void find_plain_copies() {
    std::vector<std::string> found;
    std::error_code error;
    fs::recursive_directory_iterator entry(layout_.root(), error);
    for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
      const fs::path& path = entry->path();
      const auto holds = [&](const fs::path& folder) { return is_inside(path, folder); };
      if (!entry->is_regular_file() || std::ranges::any_of(open_, holds) ||
          std::ranges::find(expected_, path) != expected_.end()) {
        continue;
      }
      if (begins_as_database(path)) found.push_back(relative(path));
    }
    if (found.empty()) return;
    std::ranges::sort(found);
    add("workspace-plain-copies", CheckStatus::Warn,
        "databases that everybody can read lie among protected profiles", std::move(found),
        "If they are copies of a protected profile, delete them; `turnstile vault backup` makes "
        "copies that are protected as the profile is.");
  }

  /// So that it can be seen what was looked for.
  void say_what_passed() {
    for (const std::string_view id :
         {"workspace-profile", "workspace-registry", "workspace-encryption", "workspace-leftovers",
          "workspace-sidecars", "workspace-attachments", "workspace-plain-copies"}) {
      if (std::ranges::find(report_.findings, id, &Finding::id) == report_.findings.end())
        add(id, CheckStatus::Pass, "nothing was found", {}, {});
    }
  }

  static constexpr const char* kRegistryCure =
      "Nothing has to be done: the records of the profiles decide, and who opens the workspace "
      "next "
      "makes the registry anew.";

  const vault::Layout layout_;
  Call call_;
  DoctorReport report_;
  std::vector<vault::RegistryEntry> known_;
  std::vector<fs::path> open_;      // Folders of profiles without a password.
  std::vector<fs::path> expected_;  // Files that were told of already.
};

}  // namespace

bool is_workspace(const fs::path& directory) {
  std::error_code error;
  return fs::is_regular_file(vault::Layout(directory).marker(), error);
}

DoctorReport examine_workspace(const fs::path& root) {
  return WorkspaceExamination(root).run();
}

}  // namespace turnstile::cli
