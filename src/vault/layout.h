// Where everything of a workspace is: the one place that knows the names.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "sqlite/call.h"

namespace turnstile::vault {

/// The places of one profile. Threads: immutable.
class ProfileFolder {
 public:
  explicit ProfileFolder(std::filesystem::path path) : path_(std::move(path)) {}

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] std::filesystem::path record() const { return path_ / "profile"; }
  [[nodiscard]] std::filesystem::path lock() const { return path_ / "lock"; }
  [[nodiscard]] std::filesystem::path tmp() const { return path_ / "tmp"; }
  [[nodiscard]] std::filesystem::path part(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// Threads: immutable.
class Layout {
 public:
  explicit Layout(std::filesystem::path root) : root_(std::move(root)) {}

  [[nodiscard]] const std::filesystem::path& root() const noexcept { return root_; }
  [[nodiscard]] std::filesystem::path marker() const { return root_ / "workspace"; }
  [[nodiscard]] std::filesystem::path lock() const { return root_ / "workspace.lock"; }
  [[nodiscard]] std::filesystem::path registry() const { return root_ / "registry"; }
  [[nodiscard]] std::filesystem::path tmp() const { return root_ / "tmp"; }
  [[nodiscard]] std::filesystem::path profiles() const { return root_ / "profiles"; }
  [[nodiscard]] ProfileFolder profile(std::string_view id) const {
    return ProfileFolder(profiles() / id);
  }

 private:
  std::filesystem::path root_;
};

/// 1 to 64 of a-z, 0-9, `-` and `_`: one part of a path on every file system, and never a hidden
/// or a special one.
[[nodiscard]] bool is_profile_id(std::string_view text) noexcept;
/// Throws MisuseError (PROFILE_ID_INVALID).
void require_profile_id(std::string_view text, const Call& call);
/// Throws MisuseError (PROFILE_NAME_REQUIRED, PROFILE_NAME_INVALID).
void require_profile_name(std::string_view text, const Call& call);

/// Where a file is to be written that the caller chose: absolute, with its folder resolved. Throws
/// MisuseError: TARGET_FORBIDDEN for a place in the workspace, TARGET_INVALID when there is no such
/// folder, or a folder or something else that is no file of that name.
[[nodiscard]] std::filesystem::path require_outside(const Layout& layout,
                                                    const std::filesystem::path& target,
                                                    const Call& call);

/// The same for a folder, which need not be there. Throws MisuseError (TARGET_FORBIDDEN,
/// TARGET_INVALID).
[[nodiscard]] std::filesystem::path require_folder_outside(const Layout& layout,
                                                           const std::filesystem::path& folder,
                                                           const Call& call);

}  // namespace turnstile::vault
