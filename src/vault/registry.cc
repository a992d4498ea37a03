#include "vault/registry.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "sqlite/error_code.h"
#include "turnstile/error.h"
#include "vault/files.h"
#include "vault/profile_record.h"
#include "vault/text_record.h"

namespace turnstile::vault {

namespace {

constexpr std::string_view kRegistryFormat = "turnstile-registry 1";

/// As the profile's own record has it; empty for a folder that is no profile.
std::optional<RegistryEntry> entry_of(const Layout& layout, const std::string& id,
                                      const std::vector<RegistryEntry>& known, const Call& call) {
  try {
    if (auto record = read_record(layout.profile(id), call)) return {{id, record->name}};
    return std::nullopt;
  } catch (const Error&) {
    // A profile that is damaged is still to be seen.
    const auto found = std::ranges::find(known, id, &RegistryEntry::id);
    return {{id, found == known.end() ? id : found->name}};
  }
}

}  // namespace

std::optional<std::vector<RegistryEntry>> read_registry(const Layout& layout, const Call& call) {
  constexpr std::size_t kLargest = std::size_t{16} << 20;
  const auto text = read_small_file(layout.registry(), call, kLargest);
  const auto lines = TextRecord::parse(text.value_or(""));
  if (!lines || lines->format() != kRegistryFormat) return std::nullopt;
  std::vector<RegistryEntry> entries;
  for (const auto& [id, name] : lines->lines()) {
    if (!is_profile_id(id)) return std::nullopt;
    entries.push_back({id, name});
  }
  return entries;
}

void write_registry(const Layout& layout, const std::vector<RegistryEntry>& entries,
                    const Call& call) {
  TextRecord lines{std::string(kRegistryFormat)};
  for (const RegistryEntry& entry : entries)
    lines.add(entry.id, entry.name);
  write_file_atomic(layout.registry(), lines.to_text(), call);
}

Reconciled reconcile_registry(const Layout& layout, const Call& call) {
  Reconciled result;
  const auto read = read_registry(layout, call);
  const std::vector<RegistryEntry> known = read.value_or(std::vector<RegistryEntry>{});
  std::vector<std::string> folders = names_of(layout.profiles(), call);
  std::erase_if(folders, [](const std::string& name) { return !is_profile_id(name); });
  std::ranges::sort(folders);
  if (!read && !folders.empty()) result.differences.emplace_back("it was missing or damaged");

  for (const RegistryEntry& entry : known) {
    auto now = std::ranges::binary_search(folders, entry.id)
                   ? entry_of(layout, entry.id, known, call)
                   : std::nullopt;
    if (!now)
      result.differences.push_back("the profile '" + entry.id + "' is not there");
    else if (*now != entry)
      result.differences.push_back("the profile '" + entry.id + "' has another name");
    if (now) result.entries.push_back(*std::move(now));
  }
  for (const std::string& id : folders) {
    if (std::ranges::find(known, id, &RegistryEntry::id) != known.end()) continue;
    if (auto entry = entry_of(layout, id, known, call)) {
      if (read) result.differences.push_back("the profile '" + id + "' was not in it");
      result.entries.push_back(*std::move(entry));
    }
  }
  if (!read || !result.differences.empty()) write_registry(layout, result.entries, call);
  return result;
}

}  // namespace turnstile::vault
