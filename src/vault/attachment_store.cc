#include "vault/attachment_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <iterator>
#include <optional>
#include <system_error>
#include <tuple>
#include <utility>

#include "database/copies/sha256.h"
#include "database/copies/temp_file.h"
#include "gate/descriptor.h"
#include "gate/sync_point.h"
#include "sqlite/raise.h"
#include "sqlite/utf8.h"
#include "vault/files.h"
#include "vault/open_database.h"
#include "vault/raise.h"
#include "vault/storage/write_file.h"
#include "vault/timestamp.h"

namespace turnstile::vault {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kColumns =
    "id, owner, name, type, size, sha256, created_us, removed_us FROM vault_attachment";

using AttachmentRow = std::tuple<std::string, std::string, std::string, std::string, std::int64_t,
                                 std::string, std::int64_t, std::optional<std::int64_t>>;

// Rows may come from a backup that somebody else has made.
Attachment attachment_of(const AttachmentRow& row, const Call& call) {
  const auto& [id, owner, name, type, size, sha256, created, removed] = row;
  const auto refuse = [&](std::string_view why) {
    raise_vault(
        code("ATTACHMENT_CORRUPTED"), "the row of an attachment " + std::string(why), call,
        "Restore a backup that is whole; sweep_attachments() removes rows that have no file.");
  };
  if (!is_profile_id(id)) refuse("has an id that can be no file's name");
  if (size < 0) refuse("has a size below zero");
  if (!is_timestamp(created) || !is_timestamp(removed.value_or(0)))
    refuse("has a time that is none");
  Attachment result{id, owner, name, type, size, sha256, time_of(created)};
  if (removed) result.removed = time_of(*removed);
  return result;
}

void require_attachment_name(std::string_view name, const Call& call) {
  constexpr std::size_t kLongest = 255;
  constexpr std::string_view kForbidden("/\\\0", 3);
  if (!name.empty() && name.size() <= kLongest &&
      name.find_first_of(kForbidden) == std::string_view::npos &&
      sqlite::find_invalid_utf8(name) == std::string_view::npos) {
    return;
  }
  sqlite::raise_misuse(code("ATTACHMENT_NAME_INVALID"),
                       name.empty() ? "an attachment has no name"
                                    : "the name of an attachment has a separator, a NUL, more than "
                                      "255 bytes, or is no UTF-8",
                       call);
}

std::size_t read_some(int descriptor, std::span<std::byte> room, const fs::path& path,
                      const Call& call) {
  for (;;) {
    const ssize_t got = ::read(descriptor, room.data(), room.size());
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) raise_read("cannot read", path, errno, call);
  }
}

/// Passes the plain content of an attachment's file on.
void stream_content(const Contents& contents, const std::string& id,
                    const std::function<void(std::span<const std::byte>)>& sink, const Call& call) {
  const fs::path path = contents.folder.part(contents.record.attachments) / id;
  if (contents.keys != nullptr) {
    open_sealed(path, contents.keys->data_key, attachment_seal(contents.record, *contents.keys, id),
                sink);
    return;
  }
  constexpr std::size_t kPiece = std::size_t{1} << 16;
  const gate::Descriptor file = open_part(path, call);
  std::vector<std::byte> piece(kPiece);
  while (const std::size_t got = read_some(file.number(), piece, path, call))
    sink(std::span(piece).first(got));
}

}  // namespace

Lane AttachmentStore::lane() const {
  return database_.lane(kVaultLane);
}

fs::path AttachmentStore::file_of(std::string_view id) const {
  return contents_.folder.part(contents_.record.attachments) / id;
}

void AttachmentStore::require_size(std::int64_t size, std::int64_t limit,
                                   std::string_view name) const {
  if (size <= limit) return;
  raise_vault(code("ATTACHMENT_TOO_LARGE"),
              "'" + std::string(name) + "' has " + std::to_string(size) + " bytes, and " +
                  std::to_string(limit) + " are allowed",
              call_);
}

Attachment AttachmentStore::add_file(const fs::path& file, AttachOptions options) {
  if (options.name.empty()) options.name = file.filename().string();
  const gate::Descriptor source(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!source.is_open() || ::fstat(source.number(), &status) != 0 || !S_ISREG(status.st_mode)) {
    raise_vault(code("ATTACHMENT_READ"),
                quoted(file) + (source.is_open() ? " is no file" : " cannot be opened"), call_);
  }
  return add(options, status.st_size, [&](std::span<std::byte> room) {
    return read_some(source.number(), room, file, call_);
  });
}

Attachment AttachmentStore::add_bytes(std::span<const std::byte> bytes,
                                      const AttachOptions& options) {
  return add(options, std::ssize(bytes), [rest = bytes](std::span<std::byte> room) mutable {
    const std::size_t size = std::min(room.size(), rest.size());
    std::ranges::copy(rest.first(size), room.begin());
    rest = rest.subspan(size);
    return size;
  });
}

Attachment AttachmentStore::add(const AttachOptions& options, std::int64_t size,
                                const Source& source) {
  require_attachment_name(options.name, call_);
  require_size(size, options_.attachment_limit_bytes, options.name);
  gate::sync_point("AttachmentStore:begun");
  Attachment added{random_name(), options.owner, options.name, options.type, size, {}, {}};
  added.created = time_of(now_us());
  added.sha256 = write_content(added.id, size, source);
  gate::sync_point("AttachmentStore:file");
  try {
    insert(added);
  } catch (const Error& error) {
    // Where it is unknown, the row may be there and needs its file; a later sweep() finds out.
    if (error.commit_state() == CommitState::NotCommitted) drop_unwanted(added.id);
    throw;
  } catch (...) {
    drop_unwanted(added.id);
    throw;
  }
  return added;
}

std::string AttachmentStore::write_content(const std::string& id, std::int64_t size,
                                           const Source& source) const {
  database::Sha256 hash;
  std::int64_t given = 0;
  const auto next = [&](std::span<std::byte> room) {
    const std::size_t got = source(room);
    hash.add(room.first(got));
    given += static_cast<std::int64_t>(got);
    if (given > size || (got == 0 && given < size))
      raise_vault(code("ATTACHMENT_READ"), "what is attached changed its size meanwhile", call_);
    return got;
  };
  if (const ProfileKeys* const keys = contents_.keys) {
    write_sealed(file_of(id), keys->data_key, attachment_seal(contents_.record, *keys, id),
                 static_cast<std::uint64_t>(size), next, false);
    return hash.finish();
  }
  constexpr std::size_t kPiece = std::size_t{1} << 16;
  database::TempFile file(file_of(id), call_);
  std::vector<std::byte> piece(kPiece);
  while (const std::size_t got = next(piece))
    write_all(file.descriptor(), std::span(piece).first(got), file.path(), call_);
  file.sync();
  publish_when_free(file, false);
  return hash.finish();
}

void AttachmentStore::insert(const Attachment& attachment) {
  const std::int64_t created =
      std::chrono::duration_cast<std::chrono::microseconds>(attachment.created.time_since_epoch())
          .count();
  lane().write([&](WriteTx& tx) {
    tx.execute("INSERT INTO vault_attachment VALUES (?, ?, ?, ?, ?, ?, ?, NULL)", attachment.id,
               attachment.owner, attachment.name, attachment.type, attachment.size_bytes,
               attachment.sha256, created);
  });
}

// For whoever has a failure of his own to tell; a later sweep() finds what is left.
void AttachmentStore::drop_unwanted(std::string_view id) const noexcept {
  try {
    drop_file(id);
  } catch (const std::exception&) {
    return;
  }
}

void AttachmentStore::drop_file(std::string_view id) const {
  const fs::path path = file_of(id);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    raise_write("cannot remove", path, errno, call_);
}

std::vector<Attachment> AttachmentStore::list(std::string_view owner, bool removed) const {
  return lane().read([&](ReadTx& tx) {
    std::vector<Attachment> found;
    const std::string sql = "SELECT " + std::string(kColumns) +
                            " WHERE (?1 = '' OR owner = ?1) AND (removed_us IS NOT NULL) = ?2"
                            " ORDER BY created_us, id";
    for (const AttachmentRow& row :
         tx.query<std::string, std::string, std::string, std::string, std::int64_t, std::string,
                  std::int64_t, std::optional<std::int64_t>>(sql, owner, removed)
             .all()) {
      found.push_back(attachment_of(row, call_));
    }
    return found;
  });
}

Attachment AttachmentStore::get(std::string_view id) const {
  auto row = lane().read([&](ReadTx& tx) {
    return tx
        .query<std::string, std::string, std::string, std::string, std::int64_t, std::string,
               std::int64_t, std::optional<std::int64_t>>(
            "SELECT " + std::string(kColumns) + " WHERE id = ?", id)
        .first();
  });
  if (row) return attachment_of(*row, call_);
  raise_vault(code("ATTACHMENT_NOT_FOUND"), "there is no attachment '" + std::string(id) + "'",
              call_);
}

void AttachmentStore::read_content(
    const Attachment& attachment,
    const std::function<void(std::span<const std::byte>)>& sink) const {
  const std::string what = "the content of the attachment '" + attachment.name + "'";
  database::Sha256 hash;
  std::int64_t missing = attachment.size_bytes;
  const auto passed_on = [&](std::span<const std::byte> bytes) {
    missing -= std::ssize(bytes);
    if (missing < 0)
      raise_vault(code("ATTACHMENT_CORRUPTED"), what + " is longer than what was attached", call_);
    hash.add(bytes);
    sink(bytes);
  };
  try {
    stream_content(contents_, attachment.id, passed_on, call_);
  } catch (const VaultError& error) {
    if (error.code() == code("ATTACHMENT_CORRUPTED")) throw;
    raise_from(code("ATTACHMENT_CORRUPTED"), what + " is damaged", error);
  } catch (const StorageError& error) {
    if (error.code() == code("PROFILE_STORAGE_WRITE")) throw;
    raise_from(code("ATTACHMENT_CORRUPTED"), what + " cannot be read", error);
  }
  if (hash.finish() != attachment.sha256)
    raise_vault(code("ATTACHMENT_CORRUPTED"), what + " is not what was attached", call_);
}

std::vector<std::byte> AttachmentStore::read(std::string_view id) const {
  const Attachment attachment = get(id);
  require_size(attachment.size_bytes, options_.preview_limit_bytes, attachment.name);
  std::vector<std::byte> bytes;
  bytes.reserve(static_cast<std::size_t>(attachment.size_bytes));
  read_content(attachment, [&](std::span<const std::byte> piece) {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
  });
  return bytes;
}

void AttachmentStore::write_to(std::string_view id, const fs::path& destination) const {
  const Attachment attachment = get(id);
  database::TempFile file(destination, call_);
  read_content(attachment, [&](std::span<const std::byte> piece) {
    write_all(file.descriptor(), piece, file.path(), call_);
  });
  file.sync();
  publish_when_free(file, false);
}

void AttachmentStore::set_removed(std::string_view id, bool removed) {
  static_cast<void>(get(id));
  const auto when = removed ? std::optional(now_us()) : std::nullopt;
  lane().write([&](WriteTx& tx) {
    tx.execute("UPDATE vault_attachment SET removed_us = ? WHERE id = ?", when, id);
  });
}

void AttachmentStore::purge(std::string_view id) {
  static_cast<void>(get(id));
  lane().write([&](WriteTx& tx) { tx.execute("DELETE FROM vault_attachment WHERE id = ?", id); });
  gate::sync_point("AttachmentStore:purged");
  drop_file(id);
}

SweepReport AttachmentStore::sweep() {
  // Names first: a file that comes while the rows are read has its row only later.
  std::vector<std::string> files =
      names_of(contents_.folder.part(contents_.record.attachments), call_);
  std::erase_if(files, [](const std::string& name) { return !is_profile_id(name); });
  std::ranges::sort(files);
  SweepReport report;
  lane().write([&](WriteTx& tx) {
    report = {};
    const auto ids = tx.query<std::string>("SELECT id FROM vault_attachment ORDER BY id").all();
    std::ranges::set_difference(files, ids, std::back_inserter(report.files_without_row));
    for (const std::string& id : ids) {
      std::error_code error;
      if (std::ranges::binary_search(files, id)) continue;
      if (is_profile_id(id) && fs::exists(fs::symlink_status(file_of(id), error))) continue;
      tx.execute("DELETE FROM vault_attachment WHERE id = ?", id);
      report.rows_without_file.push_back(id);
    }
  });
  for (const std::string& id : report.files_without_row)
    drop_file(id);
  return report;
}

AttachmentCheck check_attachments(const Contents& contents, const Lane& lane, const Call& call) {
  AttachmentCheck check;
  const auto rows = lane.read([](ReadTx& tx) {
    return tx.query<std::string, std::string>("SELECT id, sha256 FROM vault_attachment").all();
  });
  for (const auto& [id, sha256] : rows) {
    ++check.checked;
    if (!is_profile_id(id)) {
      check.problems.emplace_back("the row of an attachment has an id that can be no file's name");
      continue;
    }
    database::Sha256 hash;
    try {
      stream_content(
          contents, id, [&](std::span<const std::byte> piece) { hash.add(piece); }, call);
      if (hash.finish() != sha256)
        check.problems.push_back("the attachment '" + id + "' is not what was attached");
    } catch (const Error& error) {
      check.problems.push_back("the attachment '" + id + "' cannot be read: " + error.what());
    }
  }
  return check;
}

}  // namespace turnstile::vault
