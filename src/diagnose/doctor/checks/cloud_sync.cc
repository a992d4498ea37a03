#include <algorithm>
#include <array>
#include <system_error>

#include "diagnose/doctor/checks.h"

namespace turnstile::diagnose {

namespace {

// Beginnings of the names that such programs give to their folders.
constexpr auto kSyncedFolders = std::to_array<std::string_view>({
    "box sync",
    "dropbox",
    "google drive",
    "googledrive",
    "icloud",
    "mega",
    "mobile documents",
    "nextcloud",
    "onedrive",
    "owncloud",
    "pcloud",
    "seafile",
    "syncthing",
    "yandex.disk",
});
// What they keep in the folder at the top.
constexpr auto kSyncMarkers = std::to_array<std::string_view>({
    ".dropbox",
    ".owncloudsync.log",
    ".stfolder",
    ".SynologyWorkingDirectory",
    ".sync.ffs_db",
});

std::string in_small_letters(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::string find_synced_folder(const std::filesystem::path& directory) {
  for (std::filesystem::path folder = directory; folder != folder.root_path();
       folder = folder.parent_path()) {
    const std::string name = in_small_letters(folder.filename().string());
    if (std::ranges::any_of(kSyncedFolders, [&](auto each) { return name.starts_with(each); }))
      return folder.string();
    std::error_code error;
    for (const std::string_view marker : kSyncMarkers)
      if (std::filesystem::exists(folder / marker, error)) return (folder / marker).string();
  }
  return {};
}

}  // namespace

Findings check_cloud_sync(const Patient& patient) {
  const std::string found = find_synced_folder(patient.directory());
  if (found.empty()) return {pass("no folder above is known to be synchronised")};
  Finding finding;
  finding.status = CheckStatus::Warn;
  finding.title = "the file is in a folder that a program seems to synchronise with other machines";
  finding.evidence = {found};
  finding.cause = "replaced-file";
  finding.cure =
      "Keep the file elsewhere and let backups of it be synchronised (`turnstile backup`): file "
      "and "
      "log are copied at different moments, and what comes back replaces a file in use.";
  return {finding};
}

}  // namespace turnstile::diagnose
