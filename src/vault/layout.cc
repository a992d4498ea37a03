#include "vault/layout.h"

#include <algorithm>
#include <cstddef>
#include <system_error>

#include "sqlite/raise.h"
#include "sqlite/utf8.h"
#include "vault/raise.h"

namespace turnstile::vault {

namespace fs = std::filesystem;

bool is_profile_id(std::string_view text) noexcept {
  constexpr std::size_t kLongest = 64;
  return !text.empty() && text.size() <= kLongest && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

void require_profile_id(std::string_view text, const Call& call) {
  if (is_profile_id(text)) return;
  sqlite::raise_misuse(
      code("PROFILE_ID_INVALID"),
      "'" + std::string(text.substr(0, text.find('\0'))) + "' cannot be the id of a profile", call);
}

void require_profile_name(std::string_view text, const Call& call) {
  constexpr std::size_t kLongest = 255;
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  if (std::ranges::all_of(text, is_blank))
    sqlite::raise_misuse(code("PROFILE_NAME_REQUIRED"), "the name of a profile is blank", call);
  const auto is_control = [](char c) {
    return (static_cast<unsigned char>(c) < 0x20) || c == '\x7f';
  };
  if (text.size() > kLongest || std::ranges::any_of(text, is_control) ||
      sqlite::find_invalid_utf8(text) != std::string_view::npos) {
    sqlite::raise_misuse(code("PROFILE_NAME_INVALID"),
                         "the name of a profile has more than 255 bytes, a control character, or "
                         "is no UTF-8",
                         call);
  }
}

namespace {

void refuse_inside(const Layout& layout, const fs::path& target, const fs::path& resolved,
                   const Call& call) {
  std::error_code error;
  const fs::path root = fs::weakly_canonical(layout.root(), error);
  const auto differ = std::mismatch(root.begin(), root.end(), resolved.begin(), resolved.end());
  if (differ.first != root.end()) return;
  sqlite::raise_misuse(code("TARGET_FORBIDDEN"),
                       quoted(target) + " is inside of the workspace " + quoted(root), call);
}

}  // namespace

fs::path require_folder_outside(const Layout& layout, const fs::path& folder, const Call& call) {
  std::error_code error;
  fs::path resolved = fs::weakly_canonical(fs::absolute(folder, error), error);
  if (error || resolved.empty())
    sqlite::raise_misuse(code("TARGET_INVALID"), quoted(folder) + " can be no folder", call);
  refuse_inside(layout, folder, resolved, call);
  return resolved;
}

fs::path require_outside(const Layout& layout, const fs::path& target, const Call& call) {
  std::error_code error;
  const fs::path absolute = fs::absolute(target, error).lexically_normal();
  const auto refuse = [&](std::string_view why) {
    sqlite::raise_misuse(code("TARGET_INVALID"), quoted(target) + ' ' + std::string(why), call);
  };
  if (!absolute.has_filename()) refuse("names no file");
  fs::path resolved = fs::canonical(absolute.parent_path(), error);
  if (error) refuse("is in a folder that is not there");
  resolved /= absolute.filename();
  // A link in the place itself leads somewhere else again.
  if (fs::is_symlink(fs::symlink_status(resolved, error)))
    resolved = fs::weakly_canonical(resolved, error);
  refuse_inside(layout, target, resolved, call);
  const fs::file_status status = fs::status(resolved, error);
  if (fs::exists(status) && !fs::is_regular_file(status)) refuse("is no file");
  return resolved;
}

}  // namespace turnstile::vault
