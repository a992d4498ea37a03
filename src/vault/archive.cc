#include "vault/archive.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <set>
#include <span>
#include <system_error>
#include <utility>

#include "database/copies/sha256.h"
#include "database/copies/temp_file.h"
#include "gate/descriptor.h"
#include "gate/sync_point.h"
#include "turnstile/version.h"
#include "vault/files.h"
#include "vault/raise.h"
#include "vault/storage/encrypted_file.h"
#include "vault/storage/write_file.h"
#include "vault/text_record.h"
#include "vault/timestamp.h"

namespace turnstile::vault {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kArchiveFormat = "turnstile-backup 1";
constexpr std::string_view kArchiveMagic = "TURNSTILE-BACKUP";
constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kLargestManifest = std::size_t{4} << 20;
constexpr std::string_view kAttachmentsPrefix = "attachments/";

[[noreturn]] void raise_invalid_backup(const fs::path& archive, const std::string& why,
                                       const Call& call) {
  Error::Details details;
  details.code = code("BACKUP_INVALID");
  details.message = quoted(archive) + " is no backup of a profile, or damaged: " + why;
  details.where = call.where;
  throw StorageError(std::move(details));
}

bool is_archive_name(std::string_view name) {
  if (name == "database" || name == "keys") return true;
  return name.starts_with(kAttachmentsPrefix) &&
         is_profile_id(name.substr(kAttachmentsPrefix.size()));
}

/// Where a file of the archive lies in a profile's folder.
fs::path place_of(std::string_view name, const Contents& contents) {
  if (name == "database") return contents.folder.part(contents.record.database);
  if (name == "keys") return contents.folder.part(contents.record.keys);
  return contents.folder.part(contents.record.attachments) / name.substr(kAttachmentsPrefix.size());
}

void require_within(const std::vector<ArchiveManifest::File>& files, const BackupLimits& limits,
                    const Call& call) {
  const auto refuse = [&](const std::string& what, std::int64_t limit) {
    raise_vault(code("BACKUP_LIMIT"),
                "the backup has " + what + ", and " + std::to_string(limit) + " are allowed", call);
  };
  if (std::ssize(files) > limits.files)
    refuse(std::to_string(files.size()) + " files", limits.files);
  std::int64_t total = 0;
  for (const ArchiveManifest::File& file : files) {
    if (file.bytes > limits.file_bytes)
      refuse("a file of " + std::to_string(file.bytes) + " bytes", limits.file_bytes);
    if (file.bytes > limits.total_bytes - total)
      refuse("more than " + std::to_string(total) + " bytes", limits.total_bytes);
    total += file.bytes;
  }
}

gate::Descriptor open_to_read(const fs::path& path, const Call& call) {
  gate::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) raise_read("cannot open", path, errno, call);
  return file;
}

std::int64_t size_of_file(const gate::Descriptor& file, const fs::path& path, const Call& call) {
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) raise_read("cannot look at", path, errno, call);
  if (!S_ISREG(status.st_mode)) raise_invalid_backup(path, "it is no file", call);
  return status.st_size;
}

/// Passes exactly `bytes` bytes on; false when there are fewer.
bool pump(int source, std::int64_t bytes, const fs::path& path,
          const std::function<void(std::span<const std::byte>)>& sink, const Call& call) {
  constexpr std::int64_t kPiece = std::int64_t{1} << 18;
  std::vector<std::byte> piece(static_cast<std::size_t>(std::min(bytes, kPiece)));
  while (bytes > 0) {
    const auto wanted = static_cast<std::size_t>(std::min(bytes, kPiece));
    const ssize_t got = ::read(source, piece.data(), wanted);
    if (got == -1 && errno == EINTR) continue;
    if (got == -1) raise_read("cannot read", path, errno, call);
    if (got == 0) return false;
    sink(std::span(piece).first(static_cast<std::size_t>(got)));
    bytes -= got;
  }
  return true;
}

ArchiveManifest::File file_entry(const std::string& name, const fs::path& path, const Call& call) {
  const gate::Descriptor file = open_part(path, call);
  ArchiveManifest::File entry{name, size_of_file(file, path, call), {}};
  database::Sha256 hash;
  pump(
      file.number(), entry.bytes, path, [&](auto bytes) { hash.add(bytes); }, call);
  entry.sha256 = hash.finish();
  return entry;
}

std::vector<ArchiveManifest::File> files_of(const Contents& contents, const BackupLimits& limits,
                                            const Call& call) {
  std::vector<std::string> names{"database"};
  if (!contents.record.keys.empty()) names.emplace_back("keys");
  for (const std::string& id : names_of(contents.folder.part(contents.record.attachments), call))
    if (is_profile_id(id)) names.push_back(std::string(kAttachmentsPrefix) + id);
  std::ranges::sort(names.begin() + 1, names.end());
  std::vector<ArchiveManifest::File> files;
  for (const std::string& name : names) {
    const fs::path path = place_of(name, contents);
    files.push_back({name, size_of_file(open_part(path, call), path, call), {}});
  }
  require_within(files, limits, call);
  for (ArchiveManifest::File& file : files)
    file = file_entry(file.name, place_of(file.name, contents), call);
  return files;
}

std::array<std::byte, kLengthBytes> length_bytes(std::uint64_t length) {
  std::array<std::byte, kLengthBytes> bytes{};
  for (std::byte& byte : bytes) {
    byte = static_cast<std::byte>(length & 0xFFU);
    length >>= 8U;
  }
  return bytes;
}

/// The manifest's text, with the file positioned behind it.
std::string manifest_text(const gate::Descriptor& file, const fs::path& archive, const Call& call) {
  std::string head;
  const auto append = [&head](std::span<const std::byte> bytes) {
    head.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  };
  const std::size_t head_bytes = kArchiveMagic.size() + kLengthBytes;
  if (!pump(file.number(), static_cast<std::int64_t>(head_bytes), archive, append, call) ||
      !head.starts_with(kArchiveMagic)) {
    raise_invalid_backup(archive, "it does not begin as one", call);
  }
  std::uint64_t length = 0;
  for (std::size_t i = head_bytes; i-- > kArchiveMagic.size();)
    length = (length << 8U) | static_cast<unsigned char>(head[i]);
  if (length > kLargestManifest) raise_invalid_backup(archive, "its manifest is too long", call);
  head.clear();
  if (!pump(file.number(), static_cast<std::int64_t>(length), archive, append, call))
    raise_invalid_backup(archive, "it is cut off", call);
  return head;
}

}  // namespace

BackupInfo ArchiveManifest::info() const {
  BackupInfo info;
  info.id = id;
  info.name = name;
  info.kind = kind;
  info.created = time_of(created_us);
  info.library_version = library_version;
  info.files = std::ssize(files);
  for (const File& file : files)
    info.bytes += file.bytes;
  info.unprotected = form == ProfileKind::Plain;
  return info;
}

std::string ArchiveManifest::to_text() const {
  TextRecord text{std::string(kArchiveFormat)};
  text.add("created_us", std::to_string(created_us));
  text.add("library_version", library_version);
  text.add("id", id);
  text.add("name", name);
  text.add("kind", to_string(kind));
  text.add("form", to_string(form));
  text.add("profile_created_us", std::to_string(profile_created_us));
  for (const File& file : files)
    text.add("file", std::to_string(file.bytes) + ' ' + file.sha256 + ' ' + file.name);
  return text.to_text();
}

std::optional<ArchiveManifest> ArchiveManifest::from_text(std::string_view text) {
  const auto lines = TextRecord::parse(text);
  if (!lines || lines->format() != kArchiveFormat) return std::nullopt;
  const auto kind = profile_kind_of(lines->find("kind").value_or(""));
  const auto form = profile_kind_of(lines->find("form").value_or(""));
  const auto created = parse_timestamp(lines->find("created_us").value_or(""));
  const auto profile_created = parse_timestamp(lines->find("profile_created_us").value_or(""));
  if (!kind || !form || !created || !profile_created) return std::nullopt;
  ArchiveManifest manifest{lines->find("id").value_or(""),
                           lines->find("name").value_or(""),
                           *kind,
                           *form,
                           *profile_created,
                           *created,
                           lines->find("library_version").value_or(""),
                           {}};
  std::set<std::string> names;
  for (const auto& [word, value] : lines->lines()) {
    if (word != "file") continue;
    constexpr std::size_t kHash = 64;
    const std::size_t blank = value.find(' ');
    const auto bytes = parse_count(std::string_view(value).substr(0, blank));
    if (!bytes || value.size() < blank + kHash + 3 || value[blank + 1 + kHash] != ' ')
      return std::nullopt;
    File file{value.substr(blank + kHash + 2), *bytes, value.substr(blank + 1, kHash)};
    if (!is_archive_name(file.name) || !names.insert(file.name).second) return std::nullopt;
    manifest.files.push_back(std::move(file));
  }
  const bool fits = is_profile_id(manifest.id) && !manifest.name.empty() &&
                    names.contains("database") &&
                    names.contains("keys") == (*form != ProfileKind::Plain) &&
                    (*kind == *form || *kind == ProfileKind::Plain);
  return fits ? std::optional(std::move(manifest)) : std::nullopt;
}

BackupInfo write_archive(const fs::path& target, const ProfileRecord& profile,
                         const Contents& contents, const BackupLimits& limits, bool overwrite,
                         const Call& call) {
  // Also SQLite of another program keeps a log there, which knows nothing of profiles' locks.
  if (contents.record.kind != ProfileKind::Sealed)
    require_no_log_beside(contents.folder.part(contents.record.database));
  const ArchiveManifest manifest{
      profile.id,         profile.name, profile.kind,          contents.record.kind,
      profile.created_us, now_us(),     std::string(kVersion), files_of(contents, limits, call)};
  const std::string text = manifest.to_text();
  if (text.size() > kLargestManifest) {
    raise_vault(code("BACKUP_LIMIT"),
                "the list of the backup's " + std::to_string(manifest.files.size()) +
                    " files has more bytes than " + std::to_string(kLargestManifest) +
                    ", which is what a restore reads",
                call, "Purge attachments that are not needed any more.");
  }
  database::TempFile archive(target, call);
  const auto append = [&](std::span<const std::byte> bytes) {
    write_all(archive.descriptor(), bytes, target, call);
  };
  append(std::as_bytes(std::span(kArchiveMagic)));
  append(length_bytes(text.size()));
  append(std::as_bytes(std::span(text)));
  for (const ArchiveManifest::File& file : manifest.files) {
    const fs::path path = place_of(file.name, contents);
    const gate::Descriptor source = open_part(path, call);
    if (!pump(source.number(), file.bytes, path, append, call))
      raise_read("too short is", path, 0, call);
  }
  archive.sync();
  gate::sync_point("write_archive:synced");
  publish_when_free(archive, overwrite);
  return manifest.info();
}

ArchiveManifest read_manifest(const fs::path& archive, const BackupLimits& limits,
                              const Call& call) {
  const gate::Descriptor file = open_to_read(archive, call);
  const std::int64_t size = size_of_file(file, archive, call);
  const std::string text = manifest_text(file, archive, call);
  auto manifest = ArchiveManifest::from_text(text);
  if (!manifest) {
    const auto lines = TextRecord::parse(text);
    if (lines && lines->format().starts_with("turnstile-backup ") &&
        lines->format() != kArchiveFormat) {
      raise_vault(code("VAULT_FORMAT_UNSUPPORTED"),
                  quoted(archive) + " is of the format '" + lines->format() + "'", call);
    }
    raise_invalid_backup(archive, "its manifest is not what was written", call);
  }
  require_within(manifest->files, limits, call);
  const auto front = static_cast<std::int64_t>(kArchiveMagic.size() + kLengthBytes + text.size());
  if (size - front != manifest->info().bytes) {
    raise_invalid_backup(archive,
                         "its files have " + std::to_string(size - front) +
                             " bytes, and must have " + std::to_string(manifest->info().bytes),
                         call);
  }
  return *std::move(manifest);
}

void extract_archive(const fs::path& archive, const ArchiveManifest& manifest,
                     const Contents& target, const Call& call) {
  const gate::Descriptor source = open_to_read(archive, call);
  static_cast<void>(manifest_text(source, archive, call));
  for (const ArchiveManifest::File& file : manifest.files) {
    const fs::path path = place_of(file.name, target);
    make_private_file(path, call);
    const gate::Descriptor place(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!place.is_open()) raise_write("cannot open", path, errno, call);
    database::Sha256 hash;
    const auto sink = [&](std::span<const std::byte> bytes) {
      hash.add(bytes);
      write_all(place.number(), bytes, path, call);
    };
    if (!pump(source.number(), file.bytes, archive, sink, call))
      raise_invalid_backup(archive, "it is cut off", call);
    if (hash.finish() != file.sha256)
      raise_invalid_backup(archive, "the hash of '" + file.name + "' differs", call);
    gate::sync_point("extract_archive:file");
  }
}

}  // namespace turnstile::vault
