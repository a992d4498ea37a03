// Reads schema steps from a directory of SQL files.
#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <map>
#include <system_error>
#include <utility>

#include "sqlite/error_code.h"
#include "sqlite/raise.h"
#include "turnstile/migration.h"

namespace turnstile {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(std::string message, std::source_location where) {
  Call call;
  call.where = where;
  sqlite::raise_misuse(code("MIGRATION_INVALID"), std::move(message), call,
                       "Name the files 0001_first.sql, 0002_second.sql and so on.");
}

[[noreturn]] void raise_unreadable(const fs::path& path, int cause, std::source_location where) {
  Call call;
  call.where = where;
  sqlite::raise_system(code("MIGRATION_UNREADABLE"),
                       "cannot read the schema steps of '" + path.string() + "'", cause, call);
}

// The number and the name of a step; 0 when the file's name is not made of them.
std::pair<int, std::string> split(const fs::path& file) {
  const std::string stem = file.stem().string();
  int version = 0;
  const auto [end, error] = std::from_chars(stem.data(), stem.data() + stem.size(), version);
  const std::string rest(end, stem.data() + stem.size());
  if (error != std::errc() || version < 1 || rest.size() < 2 || rest[0] != '_') return {};
  return {version, rest.substr(1)};
}

std::string content_of(const fs::path& path, std::source_location where) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file || file.bad()) raise_unreadable(path, errno, where);
  return text;
}

}  // namespace

Migrations load_migrations(const fs::path& directory, std::source_location where) {
  std::map<int, fs::path> files;
  std::error_code error;
  fs::directory_iterator entries(directory, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const fs::path& path = entries->path();
    if (path.extension() != ".sql") continue;
    const int version = split(path).first;
    if (version == 0)
      refuse("'" + path.string() + "' is not named after the form NNNN_name.sql", where);
    const auto [place, is_new] = files.emplace(version, path);
    if (!is_new) {
      const std::string other = place->second.filename().string();
      const std::string name = path.filename().string();
      refuse("'" + std::min(other, name) + "' and '" + std::max(other, name) +
                 "' are both schema step " + std::to_string(version),
             where);
    }
  }
  if (error) raise_unreadable(directory, error.value(), where);
  if (files.empty()) refuse("'" + directory.string() + "' has no .sql files", where);

  Migrations steps;
  for (const auto& [version, path] : files) {
    const int expected = static_cast<int>(steps.size()) + 1;
    if (version != expected) {
      refuse("there is no schema step " + std::to_string(expected) + " before '" +
                 path.filename().string() + "'",
             where);
    }
    Migration step{.version = version, .name = split(path).second};
    step.sql = content_of(path, where);
    if (step.sql.empty()) refuse("'" + path.string() + "' is empty", where);
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace turnstile
