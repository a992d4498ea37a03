// The attachments of an open profile: rows in its database, and a file for each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "turnstile/database.h"
#include "turnstile/vault.h"
#include "vault/contents.h"

namespace turnstile::vault {

/// Threads: scoped, as what it refers to.
class AttachmentStore {
 public:
  AttachmentStore(const Contents& contents, const Database& database,
                  const WorkspaceOptions& options, const Call& call)
      : contents_(contents), database_(database), options_(options), call_(call) {}

  /// The file first, then the row: a row always has its file.
  Attachment add_file(const std::filesystem::path& file, AttachOptions options);
  Attachment add_bytes(std::span<const std::byte> bytes, const AttachOptions& options);

  [[nodiscard]] std::vector<Attachment> list(std::string_view owner, bool removed) const;
  [[nodiscard]] Attachment get(std::string_view id) const;
  [[nodiscard]] std::vector<std::byte> read(std::string_view id) const;
  void write_to(std::string_view id, const std::filesystem::path& destination) const;
  void set_removed(std::string_view id, bool removed);
  /// The row first, then the file.
  void purge(std::string_view id);
  /// For whoever has the profile alone: a file that is being attached has no row yet.
  SweepReport sweep();

 private:
  /// Gives the next bytes, 0 at the end.
  using Source = std::function<std::size_t(std::span<std::byte>)>;

  Attachment add(const AttachOptions& options, std::int64_t size, const Source& source);
  /// The hash of what was written.
  std::string write_content(const std::string& id, std::int64_t size, const Source& source) const;
  void insert(const Attachment& attachment);
  void drop_file(std::string_view id) const;
  void drop_unwanted(std::string_view id) const noexcept;
  /// Passes the content on, and compares it with the row at the end.
  void read_content(const Attachment& attachment,
                    const std::function<void(std::span<const std::byte>)>& sink) const;
  void require_size(std::int64_t size, std::int64_t limit, std::string_view name) const;
  [[nodiscard]] std::filesystem::path file_of(std::string_view id) const;
  [[nodiscard]] Lane lane() const;

  const Contents contents_;
  const Database& database_;
  const WorkspaceOptions& options_;
  const Call& call_;
};

/// What check_attachments() found. Threads: immutable.
struct AttachmentCheck {
  std::vector<std::string> problems;  ///< A clause each.
  std::int64_t checked = 0;
};
/// Compares the files of attachments with their rows.
[[nodiscard]] AttachmentCheck check_attachments(const Contents& contents, const Lane& lane,
                                                const Call& call);

}  // namespace turnstile::vault
