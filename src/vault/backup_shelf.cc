#include "vault/backup_shelf.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <system_error>

#include "gate/sync_point.h"
#include "sqlite/error_code.h"
#include "vault/archive.h"
#include "vault/file_lock.h"
#include "vault/files.h"
#include "vault/raise.h"
#include "vault/text_record.h"

namespace turnstile::vault {

namespace fs = std::filesystem;
using std::chrono::microseconds;
using std::chrono::system_clock;

namespace {

constexpr std::string_view kShelfFormat = "turnstile-backups 1";
constexpr std::string_view kBackupEnd = ".backup";

/// As next() gives them: no path, whatever an index says.
bool is_shelf_name(std::string_view name) {
  constexpr std::size_t kDigits = 32;
  return name.size() == kDigits + kBackupEnd.size() && name.ends_with(kBackupEnd) &&
         name.find_first_not_of("0123456789abcdef") == kDigits;
}

system_clock::time_point shelf_time(std::int64_t us) {
  return system_clock::time_point(
      std::chrono::duration_cast<system_clock::duration>(microseconds(us)));
}

}  // namespace

bool BackupShelf::is_there(std::string_view name) const {
  std::error_code error;
  return fs::is_regular_file(fs::symlink_status(folder_ / name, error));
}

std::vector<KeptBackup> BackupShelf::indexed(const Call& call) const {
  std::vector<KeptBackup> found;
  const auto text = read_small_file(folder_ / "index", call);
  const auto lines = TextRecord::parse(text.value_or(""));
  if (!lines || lines->format() != kShelfFormat) return found;
  for (const auto& [name, created] : lines->lines()) {
    const auto us = parse_count(created);
    if (us && is_shelf_name(name) && is_there(name))
      found.push_back({id_, folder_ / name, shelf_time(*us)});
  }
  return found;
}

// A backup that is not in the index is one that somebody is about to take up, or was killed before
// or while he removed it.
std::vector<KeptBackup> BackupShelf::list(const Call& call) const {
  const std::vector<KeptBackup> known = indexed(call);
  std::vector<KeptBackup> all;
  for (const std::string& name : names_of(folder_, call)) {
    if (!is_shelf_name(name) || !is_there(name)) continue;
    if (std::ranges::find(known, folder_ / name, &KeptBackup::file) != known.end()) continue;
    try {
      const ArchiveManifest manifest = read_manifest(folder_ / name, {}, call);
      if (manifest.id == id_) all.push_back({id_, folder_ / name, shelf_time(manifest.created_us)});
    } catch (const Error&) {
      // Not of this library's making, for all that can be told.
      continue;
    }
  }
  std::ranges::copy(known, std::back_inserter(all));
  std::ranges::stable_sort(all, {}, &KeptBackup::created);
  return all;
}

KeptBackup BackupShelf::next(system_clock::time_point now, const Call& call) const {
  std::error_code error;
  fs::create_directories(folder_.parent_path(), error);
  if (error) raise_write("cannot make the folder", folder_.parent_path(), error.value(), call);
  make_private_folder(folder_, call);
  // What is removed from it must be in it.
  if (fs::is_symlink(fs::symlink_status(folder_, error)))
    raise_write("a link and no folder is", folder_, 0, call);
  return {id_, folder_ / (random_name() + std::string(kBackupEnd)), now};
}

// The index first: a file that it does not name any more and that is there is found again, but one
// that it names and that is not there would be a backup that nobody has.
void BackupShelf::add(const KeptBackup& made, int limit, const Call& call) const {
  FileLock lock(folder_ / "lock", call);
  if (!lock.change(FileLock::Mode::Exclusive, FileLock::Byte::Use, call)) {
    raise_busy(code("WORKSPACE_IN_USE"), "the backups in " + quoted(folder_) + " are in use",
               lock.owner(), call);
  }
  // Somebody who has made a later one meanwhile may have removed it.
  if (!is_there(made.file.filename().native())) return;
  std::vector<KeptBackup> all = list(call);
  std::erase_if(all, [&](const KeptBackup& each) { return each.file == made.file; });
  // The last whatever the clock says: what was just made is not removed.
  all.push_back(made);
  const auto too_many = std::max<std::ptrdiff_t>(std::ssize(all) - limit, 0);
  TextRecord index{std::string(kShelfFormat)};
  for (auto each = all.begin() + too_many; each != all.end(); ++each) {
    const auto us = std::chrono::duration_cast<microseconds>(each->created.time_since_epoch());
    index.add(each->file.filename().native(), std::to_string(us.count()));
  }
  write_file_atomic(folder_ / "index", index.to_text(), call);
  gate::sync_point("BackupShelf:indexed");
  for (auto each = all.begin(); each != all.begin() + too_many; ++each)
    remove_tree(each->file, call);
}

}  // namespace turnstile::vault
