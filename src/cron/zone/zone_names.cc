#include "cron/zone/zone_names.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <numeric>
#include <system_error>
#include <utility>
#include <vector>

namespace turnstile::cron {

namespace {

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

// How many letters have to be put in, left out or replaced.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::vector<std::string> all_zones() {
  namespace fs = std::filesystem;
  const fs::path root = zone_directory();
  std::vector<std::string> names;
  std::error_code error;
  fs::recursive_directory_iterator entry(root, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const std::string file = entry->path().filename().string();
    // Zones and their folders have capitals; `posix`, `right` and `zone.tab` are something else.
    const bool is_zone = file.front() >= 'A' && file.front() <= 'Z';
    std::error_code ignored;
    if (!is_zone && entry->is_directory(ignored)) entry.disable_recursion_pending();
    if (is_zone && entry->is_regular_file(ignored))
      names.push_back(entry->path().lexically_relative(root).string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::filesystem::path zone_directory() {
  const char* given = std::getenv("TZDIR");
  return given != nullptr && *given != '\0' ? given : "/usr/share/zoneinfo";
}

std::string nearest_zone(std::string_view name) {
  constexpr std::size_t kLongest = 64;
  if (name.empty() || name.size() > kLongest) return {};
  const std::string wanted = lower_case(name);
  std::string best;
  std::size_t least = std::max<std::size_t>(2, name.size() / 4) + 1;
  for (const std::string& zone : all_zones()) {
    const std::string lower = lower_case(zone);
    const std::size_t apart =
        std::min(distance(wanted, lower),
                 distance(wanted, std::string_view(lower).substr(lower.find_last_of('/') + 1)));
    if (apart >= least) continue;
    least = apart;
    best = zone;
  }
  return best;
}

}  // namespace turnstile::cron
